# SPDX-License-Identifier: Apache-2.0
# timeout: 240
#
# The whole state: into an archive, away, and back, with files of ids that are not ours.

bats_require_minimum_version 1.5.0
load common

setup_file() {
    unset E2B_API_KEY E2B_API_URL E2B_SANDBOX_URL E2B_DOMAIN E2B_CONTEXT E2B_VOLUME_API_URL
    e2b volume create data
    echo hello | e2b volume cp - data:/greeting
    echo value | e2b secret set token
    e2b key create ci >"$BATS_FILE_TMPDIR/key"
    id=$(new_sandbox --volume data=/mnt/data)
    export id
    as_user 'mkdir d; echo mine >d/f; chmod 4711 d/f; ln d/f d/g; ln -s f d/l; truncate -s 1G sparse; mkfifo p'
    as_root 'rm -rf /etc/apt; echo changed >/etc/marker'
}

teardown_file() { end_backend; }

pause() {
    curl -sf --unix-socket "$E2B_HOME/run/e2b.sock" -XPOST -H 'content-type: application/json' \
        "http://local/sandboxes/$id/pause" -d '{"memory":false}'
}

connect() {
    curl -sf --unix-socket "$E2B_HOME/run/e2b.sock" -XPOST -H 'content-type: application/json' \
        "http://local/v2/sandboxes/$id/connect" -d '{}' >/dev/null
}

@test "export is refused while a sandbox runs, and harms nothing" {
    archive=$BATS_FILE_TMPDIR/state.tar
    e2b local start
    run -1 e2b local export "$archive"
    [[ "$output" == *"sandbox $id runs"* ]]
    [ ! -e "$archive" ]
    run -0 curl -sf --unix-socket "$E2B_HOME/run/e2b.sock" http://local/local/status # for other programs
    [[ "$output" == *'"stays":true'* ]]
    [ "$(as_user 'cat d/f')" = mine ]
}

@test "an export has everything and is private; the backend goes on after it" {
    archive=$BATS_FILE_TMPDIR/state.tar
    pause
    run -0 e2b local export "$archive"
    [ "$(stat -c %a "$archive")" = 600 ]
    tar tf "$archive" >"$BATS_FILE_TMPDIR/list"
    for part in state.db api-key secret-key "sandboxes/$id/rw/upper/home/user/d/f"; do
        grep -qx "$part" "$BATS_FILE_TMPDIR/list"
    done
    refute grep -qE '^(trash|run|lock|e2bd.log)|agent.sock$' "$BATS_FILE_TMPDIR/list"
    [ "$(stat -c %s "$archive")" -lt 600000000 ] # of the sparse file only what is in it
    e2b local export - | cmp -n 512 - "$archive"
    [ "$(e2b volume cat data /greeting)" = hello ]
}

@test "gc says what goes, and leaves what a sandbox may need" {
    e2b local status >/dev/null
    mkdir -p "$E2B_HOME/trash/.stuck-1/rw"
    run -0 e2b local gc --dry-run
    [[ "$output" == "Would be removed:"*"trash: "[1-9]* ]]
    [ -d "$E2B_HOME/trash/.stuck-1" ]
    run -0 e2b local gc
    until_true test ! -e "$E2B_HOME/trash/.stuck-1" -a ! -e "$E2B_HOME/trash/stuck-1"
}

@test "import is refused where there is a state, reset asks" {
    run -1 e2b local import "$BATS_FILE_TMPDIR/state.tar"
    [[ "$output" == *"there is a state already"* ]]
    run -2 e2b local reset </dev/null
    [ "$(e2b volume cat data /greeting)" = hello ]
}

@test "reset removes everything" {
    running=$(new_sandbox)
    run -0 e2b local reset --yes
    [ "$(ls -A "$E2B_HOME" | grep -vE '^(lock|run)$')" = "" ]
    refute pgrep -f "$running"
}

@test "import brings back what was exported, owners and all" {
    gzip -k "$BATS_FILE_TMPDIR/state.tar"
    run -0 e2b local import "$BATS_FILE_TMPDIR/state.tar.gz"
    [ "$(e2b volume cat data /greeting)" = hello ]
    [[ "$(e2b secret info token)" == *"Version: 1"* ]]
    echo other | e2b secret set token
    url=$(e2b local env | sed -n 's/^export E2B_API_URL=//p')
    E2B_API_KEY=$(cat "$BATS_FILE_TMPDIR/key") E2B_API_URL=$url run -0 e2b team list
    connect
    [ "$(as_user 'cat d/g; stat -c "%a %h %U" d/f; readlink d/l; stat -c "%s %b" sparse; stat -c %F p')" = "$(
        printf 'mine\n4711 2 %s\nf\n1073741824 0\nfifo' "$(as_user 'id -un')")" ]
    [ "$(as_root 'cat /etc/marker; test -e /etc/apt || echo gone; cat /mnt/data/greeting')" = "$(printf 'changed\ngone\nhello')" ]
}

@test "an old base goes by itself where nothing is made of it" {
    e2b sandbox kill --all --state running,paused
    e2b local stop
    mkdir -p "$E2B_HOME/base/0123456789abcdef"
    new_sandbox
    until_true test ! -e "$E2B_HOME/base/0123456789abcdef"
}

@test "an archive that leads elsewhere, or brings a device, is refused and leaves nothing" {
    e2b local reset --yes
    cd "$BATS_TEST_TMPDIR"
    mkdir -p volumes/v/rw
    echo x >volumes/v/rw/f
    ln -s /etc volumes/v/rw/link
    try() {
        run -1 e2b local import "$1"
        [ "$(ls -A "$E2B_HOME" | grep -vE '^(lock|run|e2bd.log)$')" = "" ]
    }
    tar cf up.tar --transform 's,^volumes/v/rw/f,volumes/../../f,' -P volumes/v/rw/f
    try up.tar
    tar cf absolute.tar --transform 's,^volumes,/tmp/volumes,' -P volumes/v/rw/f
    try absolute.tar
    tar cf foreign.tar --transform 's,^volumes,run,' volumes/v/rw/f
    try foreign.tar
    mkdir -p volumes/v/rw/link2 && echo y >volumes/v/rw/link2/f
    tar cf through.tar volumes/v/rw/link
    tar rf through.tar --transform 's,link2,link,' volumes/v/rw/link2/f
    try through.tar
    node -e '
        const h = Buffer.alloc(1536)
        h.write("volumes/v/rw/disk"); h.write("0000666\0", 100); h.write("0000000\0", 108); h.write("0000000\0", 116)
        h.write("00000000000\0", 124); h.write("00000000000\0", 136); h.write("4", 156); h.write("ustar\x0000", 257)
        h.write("0000010\0", 329); h.write("0000001\0", 337); h.write("        ", 148)
        const sum = h.subarray(0, 512).reduce((a, b) => a + b, 0)
        h.write(sum.toString(8).padStart(6, "0") + "\0 ", 148)
        require("fs").writeFileSync("device.tar", h)'
    try device.tar
    [[ "$output" == *"is a device"* ]]
    head -c 100000 /dev/urandom >noise.tar
    try noise.tar
    tar cf good.tar volumes/v/rw
    head -c 700 good.tar >short.tar
    try short.tar
}
