# SPDX-License-Identifier: Apache-2.0
#
# Programs that take all they can harm nobody else. timeout: 240

load common

setup_file() { have_sandbox; }
teardown_file() { end_backend; }

# Another sandbox starts, runs and goes in a short time, whatever the first one does.
neighbours_are_well() {
    local began=$SECONDS
    [ "$(e2b sandbox run -- echo well </dev/null)" = well ]
    [ $((SECONDS - began)) -le 30 ]
}

@test "a fork bomb meets its limit" {
    run timeout 60 "$E2B" sandbox exec "$id" -- python3 -c '
import os, sys, time
made = []
try:
    while len(made) < 5000:
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        made.append(pid)
except OSError as e:
    print(e.strerror, flush=True)
print(len(made) < 5000, flush=True)
for pid in made:
    os.kill(pid, 9)' </dev/null
    [ "$status" = 0 ]
    [[ "$output" == "Resource temporarily unavailable"* ]]
    [[ "$output" == *True ]]
    [ "$(inside echo alive)" = alive ]
}

@test "a bomb that never ends is no trouble for others, and is killed with its sandbox" {
    local bomb
    bomb=$(new_sandbox)
    e2b sandbox exec --background "$bomb" -- sh -c 'f() { f & f; }; f' 2>/dev/null
    neighbours_are_well
    timeout 60 "$E2B" sandbox kill "$bomb"
    [ ! -e "$E2B_HOME/sandboxes/$bomb" ]
}

@test "eating memory ends the eater" {
    run timeout 60 "$E2B" sandbox run -- python3 -c '
held = []
while True:
    held.append(bytearray(b"x" * (16 << 20)))' </dev/null
    [ "$status" != 0 ]
    [ "$status" != 124 ]
    neighbours_are_well
    [ "$(inside echo alive)" = alive ]
}

@test "the file systems in memory are bounded" {
    run inside sh -c 'dd if=/dev/zero of=/tmp/fill bs=1M count=4096 status=none'
    [ "$status" != 0 ]
    inside rm -f /tmp/fill
    [ "$(inside echo alive)" = alive ]
}

@test "open files are bounded" {
    [ "$(inside sh -c 'ulimit -n')" = 4096 ]
    run inside python3 -c '
import os
held = []
while len(held) < 100000:
    held.append(os.open("/dev/null", os.O_RDONLY))'
    [[ "$output" == *"Too many open files"* ]]
}

@test "no core of the host's choosing is written" {
    [ "$(inside sh -c 'ulimit -c')" -le 1 ]
    run inside sh -c 'kill -SEGV $$'
    [ "$status" != 0 ]
    [ "$(inside sh -c 'ls ~ | grep -c core')" = 0 ]
}

@test "output that nobody reads stops the writer and nothing else" {
    e2b sandbox exec "$id" -- sh -c 'yes' </dev/null >"$BATS_TEST_TMPDIR/fifo.out" 3>&- &
    local reader=$!
    kill -STOP $reader
    neighbours_are_well
    [ "$(inside echo alive)" = alive ]
    kill -KILL $reader
    wait $reader 2>/dev/null || true
}
