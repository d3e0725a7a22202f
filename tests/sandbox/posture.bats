# SPDX-License-Identifier: Apache-2.0
#
# What a sandbox is allowed, seen from inside and from outside. Where something must fail inside,
# the same is tried where it must work, so that a test cannot pass by a slip of the pen.

load common

setup_file() {
    export CANARY=canary-of-the-host # also in the environment of the backend
    have_sandbox
}
teardown_file() { end_backend; }

field() { # name: a line of /proc/self/status inside, as the default user
    as_user "sed -n 's/^$1:[[:space:]]*//p' /proc/self/status"
}

@test "every namespace is its own" {
    for name in user mnt pid ipc uts net cgroup; do
        inside=$(as_user "readlink /proc/self/ns/$name")
        [[ "$inside" == "$name:["* ]]
        [ "$inside" != "$(readlink "/proc/self/ns/$name")" ]
    done
}

@test "shared memory is as bounded as /tmp" {
    [ "$(as_user 'stat -fc %b /dev/shm')" = "$(as_user 'stat -fc %b /tmp')" ]
}

@test "what it has in memory is apart, and there is one bound for all" {
    as_root 'echo x >/tmp/x; echo x >/dev/shm/y'
    [ "$(as_root 'ls /tmp')" = x ]
    [ "$(as_root 'ls /dev/shm')" = y ]
    [ "$(as_root 'stat -c %d /tmp /run /dev /dev/shm | uniq | wc -l')" = 1 ]
    as_root 'rm /tmp/x /dev/shm/y'
}

@test "its host name is its id" {
    [ "$(as_user 'cat /proc/sys/kernel/hostname')" = "$id" ]
}

@test "root inside is not root outside, seen from the host" {
    as_root "sleep 7041$own </dev/null >/dev/null 2>&1 &"
    until_true host_pid 7041 >/dev/null
    pid=$(host_pid 7041)
    [ "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")" != 0 ]
    run awk '$2 == 0' "/proc/$pid/uid_map"
    [ "$output" = "" ]
    as_root 'kill $(pidof sleep)'
}

@test "what the kernel tells of the host is hidden, and nothing can be put there" {
    hidden=0
    for directory in /proc/acpi /proc/scsi /sys/firmware /sys/devices/virtual/powercap; do
        [ -n "$(ls -A "$directory" 2>/dev/null)" ] || continue # nothing to hide on this host
        hidden=$((hidden + 1))
        [ -z "$(as_root "ls -A $directory")" ]
        refute as_root "touch $directory/mine"
        refute as_root "umount $directory"
    done
    [ $hidden != 0 ] || skip "not here: this host has nothing to hide"
}

@test "the default user has no capabilities, and root only bounded ones" {
    [ "$(field CapEff)" = 0000000000000000 ] || single_id
    # net_admin 12, sys_module 16, sys_rawio 17, sys_admin 21, sys_boot 22, sys_time 25
    forbidden=$((1 << 12 | 1 << 16 | 1 << 17 | 1 << 21 | 1 << 22 | 1 << 25))
    bounding=$(as_root "sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status")
    [ ${#bounding} = 16 ]
    [ $((0x$bounding & forbidden)) = 0 ]
}

@test "a seccomp filter is in force, and new privileges are possible for sudo" {
    [ "$(field Seccomp)" = 2 ]
    [ "$(field NoNewPrivs)" = 0 ]
}

@test "mounting and new namespaces are refused, also to root inside" {
    run as_root 'mount -t tmpfs none /mnt'
    [ "$status" != 0 ]
    run as_root 'unshare --user true'
    [ "$status" != 0 ]
    run as_root 'nsenter --target 1 --mount true'
    [ "$status" != 0 ]
}

@test "no descriptor is inherited" {
    [ "$(as_user 'ls /proc/self/fd' | tr '\n' ' ')" = "0 1 2 3 " ] # 3 is ls's own
}

@test "nothing of the host's files shows but /usr" {
    echo secret >"$HOME/secret"
    echo secret >"$TMPDIR/secret"
    [ "$(cat "$HOME/secret")" = secret ]
    run as_root "cat '$HOME/secret' '$TMPDIR/secret'"
    [ "$status" != 0 ]
    [[ "$output" != *$'\n'secret* ]]
    [[ "$output" != secret* ]]
    [ "$(as_root 'ls /home')" = user ]
    [ "$(as_root 'find /mnt /srv /media /opt -mindepth 1')" = "" ]
    [ "$(as_root 'cd /root && for file in .[!.]* *; do cmp -s "$file" "/etc/skel/$file" || echo "$file"; done')" = "*" ]
    [ "$(as_root 'cat /etc/machine-id')" != "$(cat /etc/machine-id 2>/dev/null || echo none)" ]
}

@test "no mount inside comes from the host but what it was made of" {
    run as_root "cut -d' ' -f5 /proc/self/mountinfo"
    [ "$status" = 0 ]
    for place in $output; do
        case $place in
        / | /usr | /proc | /proc/* | /dev | /dev/* | /sys | /sys/* | /tmp | /run | /etc/hostname | /etc/hosts | /etc/resolv.conf) ;;
        *) echo "unexpected mount at $place"; false ;;
        esac
    done
}

@test "only its own processes show, and PID 1 gives nothing away" {
    as_root 'test -r /proc/self/environ && test -e /proc/self/exe'
    run as_root 'cat /proc/1/mem'
    [ "$status" != 0 ]
    run as_root 'readlink /proc/1/exe'
    [ "$status" != 0 ]
    run as_root 'readlink /proc/1/fd/*; true'
    [ "$output" = "" ]
    run as_root 'readlink /proc/1/cwd /proc/1/root /proc/1/ns/*; true'
    [ "$output" = "" ]
    [ "$(as_root 'ls -d /proc/[0-9]* | wc -l')" -lt 10 ]
    run as_root 'kill -9 1; kill -STOP 1; echo still here'
    [[ "$output" == *"still here"* ]]
    [ "$(as_user 'echo alive')" = alive ]
}

@test "the host's kernel settings cannot be changed from inside" {
    for file in /proc/sys/kernel/core_pattern /proc/sys/vm/overcommit_memory /proc/sysrq-trigger; do
        before=$(cat "$file" 2>/dev/null || true)
        run as_root "echo x >$file"
        [ "$status" != 0 ]
        [ "$(cat "$file" 2>/dev/null || true)" = "$before" ]
    done
}

@test "the host's loopback services are out of reach" {
    command -v node >/dev/null || skip "node is not installed"
    mkfifo "$BATS_TEST_TMPDIR/port"
    node -e 'const s = require("net").createServer(c => c.end("host\n"));
        s.listen(0, "127.0.0.1", () => require("fs").writeFileSync(process.argv[1], s.address().port + "\n"))' \
        "$BATS_TEST_TMPDIR/port" 3>&- &
    server=$!
    read -r port <"$BATS_TEST_TMPDIR/port"
    probe="exec 9<>/dev/tcp/127.0.0.1/$port && cat <&9"
    there=$(bash -c "$probe")
    run as_user "bash -c '$probe'"
    kill $server
    [ "$there" = host ]
    [ "$status" != 0 ]
    [[ "$output" != *host* ]]
}

@test "sudo needs no password and gives root" {
    [ "$(as_user 'sudo -n id -u')" = 0 ]
    [ "$(as_user 'sudo -n sh -c "exit 7"; echo $?')" = 7 ]
}

@test "user and root are the ones promised" {
    [ "$(as_root 'id -u; pwd' | tr '\n' ' ')" = "0 /root " ]
    if single_id; then return 0; fi
    [ "$(as_user 'id -u; id -un; pwd; echo $HOME' | tr '\n' ' ')" = "1000 user /home/user /home/user " ]
    run as_user 'touch /etc/x'
    [ "$status" != 0 ]
}

@test "root inside writes to /usr, and the host's /usr does not change" {
    as_root 'echo "echo mine" >/usr/bin/e2b-posture && chmod +x /usr/bin/e2b-posture'
    [ "$(as_user e2b-posture)" = mine ]
    [ ! -e /usr/bin/e2b-posture ]
}

@test "two sandboxes see nothing of each other" {
    other=$(new_sandbox)
    as_user 'echo mine >/home/user/mine; echo mine >/tmp/mine'
    run e2b sandbox exec "$other" 'cat /home/user/mine /tmp/mine'
    [ "$status" != 0 ]
    [[ "$output" != mine* ]]
    e2b sandbox kill "$other"
}

@test "ids inside are the promised ones outside" {
    inside_as_root sh -c "sleep 7042$own </dev/null >/dev/null 2>&1 &"
    inside sh -c "sleep 7043$own </dev/null >/dev/null 2>&1 &"
    until_true host_pid 7042 >/dev/null
    until_true host_pid 7043 >/dev/null
    [ "$(awk '/^Uid:/ { print $2 }' "/proc/$(host_pid 7042)/status")" = "$(id_outside 0)" ]
    [ "$(awk '/^Uid:/ { print $2 }' "/proc/$(host_pid 7043)/status")" = "$(id_outside 1000)" ]
    inside_as_root pkill -x sleep
}

@test "the bounding set holds nothing that reaches resources, accounting, logs or policies" {
    bounding=$(as_root "sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status")
    # sys_pacct 20, sys_resource 24, mac_override 32, mac_admin 33, syslog 34, wake_alarm 35,
    # block_suspend 36, perfmon 38, bpf 39, checkpoint_restore 40
    for capability in 20 24 32 33 34 35 36 38 39 40; do
        [ $((0x$bounding >> capability & 1)) = 0 ] || { echo "capability $capability"; return 1; }
    done
    [ $((0x$bounding & 1)) = 1 ] # chown it has
}

@test "the mounts name no directory of the host" {
    # as an ordinary user an overlay's own options do, behind the " - "
    inside cat /proc/self/mountinfo |
        if [ "$E2B_LANE" = root ]; then cat; else sed 's/ - .*//'; fi >"$BATS_TEST_TMPDIR/mounts"
    grep -q ' / / ' "$BATS_TEST_TMPDIR/mounts"
    refute grep -F -e "$E2B_HOME" -e "$HOME" -e /sandboxes/ "$BATS_TEST_TMPDIR/mounts"
}

@test "no password, key or variable of the host is there" {
    [ "$CANARY" = canary-of-the-host ]
    inside_as_root sh -c 'env; cat /proc/[0-9]*/environ 2>/dev/null' | tr '\0' '\n' >"$BATS_TEST_TMPDIR/env"
    grep -q '^E2B_SANDBOX_ID=' "$BATS_TEST_TMPDIR/env"
    refute grep canary-of-the-host "$BATS_TEST_TMPDIR/env"
    [ "$(inside_as_root awk -F: '$2 != "*"' /etc/shadow)" = "" ]
    refute inside_as_root sh -c 'ls -d /etc/ssh /etc/ssl/private /etc/apt/auth.conf* /root/.ssh | grep .'
}

@test "devices are the harmless ones, and none can be made" {
    # asked one by one: a directory's own entries call what is mounted over them plain files
    [ "$(inside sh -c 'cd /dev && for f in *; do test -L $f || test ! -c $f || echo $f; done' | tr '\n' ' ')" = \
        "full null random tty urandom zero " ]
    [ "$(inside sh -c 'for f in $(find /dev); do test ! -b $f || echo $f; done')" = "" ]
    refute inside_as_root mknod /tmp/disk b 254 0
    inside_as_root mknod /tmp/pipe p
}
