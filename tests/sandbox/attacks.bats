# SPDX-License-Identifier: Apache-2.0
#
# Ways out that have worked somewhere. Each is tried by root inside, and where it is possible the
# same lines are shown to work outside, so that a broken test does not pass for a closed door.

load common

setup_file() { have_sandbox; }
teardown_file() { end_backend; }

# python lines, inside as root; the last line printed is the verdict
attack() { inside_as_root python3 -c "$1" 2>&1 | tail -n 1; }
# the same in a bare user namespace outside
outside() { unshare --user --map-root-user "${@:2}" python3 -c "$1" 2>&1 | tail -n 1; }

calls='
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    rc = getattr(libc, name)(*args)
    return "done" if rc >= 0 else os.strerror(ctypes.get_errno())
'

@test "no new user namespace" {
    [ "$(outside "$calls"'print(call("unshare", 0x10000000))')" = done ]
    [ "$(attack "$calls"'print(call("unshare", 0x10000000))')" = "Operation not permitted" ]
}

@test "no mount" {
    local lines="$calls"'print(call("mount", b"none", b"/mnt", b"tmpfs", 0, None))'
    [ "$(outside "$lines" --mount)" = done ]
    [ "$(attack "$lines")" = "Operation not permitted" ]
}

@test "no remount of what is read-only" {
    refute inside_as_root mount -o remount,rw /proc/sys
    refute inside_as_root umount /proc/sys
    refute inside_as_root sh -c 'echo 1 >/proc/sys/kernel/panic'
}

@test "no other namespace through /proc" {
    refute inside_as_root nsenter --target 1 --mount true
    refute inside_as_root nsenter --net=/proc/1/ns/net true
}

@test "chroot does not lead out of the root" {
    # the classic: a root below the working directory, then up
    local lines='
import os
os.makedirs("/tmp/jail", exist_ok=True)
os.chroot("/tmp/jail")
for _ in range(64): os.chdir("..")
os.chroot(".")
print(" ".join(sorted(os.listdir("/home"))))'
    [ "$(attack "$lines")" = user ]
}

@test "nothing is typed into the terminal of others" {
    local lines='
import fcntl, os, pty, termios
if pty.fork()[0]: os.wait()
else:
    try:
        fcntl.ioctl(0, termios.TIOCSTI, b"x")
        verdict = "typed"
    except OSError as e:
        verdict = e.strerror
    open("/tmp/verdict", "w").write(verdict)
    os._exit(0)
print(open("/tmp/verdict").read())'
    [ "$(attack "$lines")" = "Operation not permitted" ]
    [ "$(outside "${lines//\/tmp/$BATS_TEST_TMPDIR}")" != "Operation not permitted" ]
}

@test "no file by its number" {
    # open_by_handle_at on the file system of the lower layers
    local lines="$calls"'
import struct
buf = ctypes.create_string_buffer(struct.pack("IiIQ", 8, 1, 2, 0) + bytes(64))
fd = os.open("/usr", os.O_RDONLY)
print(call("open_by_handle_at", fd, buf, 0))'
    [ "$(attack "$lines")" = "Operation not permitted" ]
}

@test "PID 1 is neither killed nor stopped nor traced from inside" {
    inside_as_root sh -c 'kill -STOP 1; kill -KILL 1' || true
    [ "$(attack "$calls"'print(call("ptrace", 16, 1, 0, 0))')" = "Operation not permitted" ]
    [ "$(inside echo alive)" = alive ]
}

@test "killing everything inside ends the programs and not the sandbox" {
    inside_as_root sh -c 'kill -KILL -1' || true
    [ "$(inside echo alive)" = alive ]
}

@test "the host's loopback services are not reached" {
    python3 -c '
import socket, sys
s = socket.create_server(("0.0.0.0", 0))
print(s.getsockname()[1], flush=True)
while True:
    s.accept()[0].sendall(b"reached")' >"$BATS_TEST_TMPDIR/port" 3>&- &
    local server=$! port
    until_true test -s "$BATS_TEST_TMPDIR/port"
    port=$(cat "$BATS_TEST_TMPDIR/port")
    local lines="
import socket
for host in ('127.0.0.1', '::1', '10.0.2.2', '0.0.0.0', 'localhost'):
    try:
        s = socket.create_connection((host, $port), 1)
        print(host, s.recv(7).decode())
        break
    except OSError:
        pass
else:
    print('nothing')"
    [ "$(python3 -c "$lines")" = "127.0.0.1 reached" ]
    [ "$(attack "$lines")" = nothing ]
    kill $server
}

@test "the backend's sockets are not reached" {
    [ -S "$E2B_HOME/run/e2b.sock" ]
    refute inside_as_root test -e "$E2B_HOME/run/e2b.sock"
    [ "$(inside_as_root sh -c 'find / -xdev -type s 2>/dev/null')" = "" ]
    # abstract names belong to the network namespace
    [ "$(inside_as_root sh -c "tail -n +2 /proc/net/unix | awk '\$8 ~ /^@/'")" = "" ]
}

@test "keys of the host are not reached" {
    [ "$(attack "$calls"'print(call("syscall", 250, 0, -3, 1))')" = "Operation not permitted" ] ||
        [ "$(uname -m)" != x86_64 ]
    refute inside_as_root grep . /proc/keys
}

@test "the kernel is neither read nor loaded nor rebooted" {
    refute inside_as_root dmesg
    refute inside_as_root sh -c 'echo b >/proc/sysrq-trigger'
    refute inside_as_root python3 -c 'open("/proc/kcore", "rb").read(1)'
    [ "$(attack "$calls"'print(call("reboot", 0x1234567))')" = "Operation not permitted" ]
    [ "$(attack "$calls"'print(call("sethostname", b"x", 1))')" = "Operation not permitted" ]
}

@test "control groups are not changed from inside" {
    refute inside_as_root sh -c 'find /sys/fs/cgroup -type f -writable | grep .'
    refute inside_as_root mkdir /sys/fs/cgroup/mine
}

@test "a symbolic link in a sandbox does not lead the backend out" {
    inside sh -c 'ln -sfn / link; ln -sfn /proc/1/root root'
    [ "$(inside ls link/home)" = user ]
    refute inside_as_root ls root/home
}
