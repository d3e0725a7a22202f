# SPDX-License-Identifier: Apache-2.0
#
# The local backend as a process: one however many ask for it, gone when told, and no loss when it
# is killed.

load common

teardown() { end_backend; }

# The pids of all backends that have our home.
backends() {
    local directory
    for directory in /proc/[0-9]*; do
        [ "$(cat "$directory/comm" 2>/dev/null)" = e2bd ] || continue
        grep -qz "^E2B_HOME=$E2B_HOME$" "$directory/environ" 2>/dev/null || continue
        echo "${directory#/proc/}"
    done
}

@test "two hundred commands at once start one backend and all succeed" {
    pids=()
    for _ in $(seq 200); do
        "$E2B" sandbox list >/dev/null 2>>"$BATS_TEST_TMPDIR/errors" 3>&- &
        pids+=($!)
    done
    failed=0
    for pid in "${pids[@]}"; do wait "$pid" || failed=$((failed + 1)); done
    cat "$BATS_TEST_TMPDIR/errors"
    [ "$failed" = 0 ]
    [ "$(backends)" = "$(daemon_pid)" ]
}

@test "stop ends it, start and status say what is" {
    e2b local start
    pid=$(daemon_pid)
    kill -0 "$pid"
    e2b local stop
    until_true refute kill -0 "$pid" 2>/dev/null
    run e2b local status --format json
    [ "$status" != 0 ]
    [[ "$output" == *'"running": false'* ]]
}

@test "sandboxes and their commands survive kill -9 of the backend" {
    id=$(new_sandbox)
    as_user "echo kept >/home/user/kept; sleep 7043$own </dev/null >/dev/null 2>&1 &"
    kill -9 "$(daemon_pid)"
    until_true host_pid 7043 >/dev/null
    [ "$(as_user 'cat /home/user/kept; pidof sleep >/dev/null && echo runs')" = $'kept\nruns' ]
    e2b sandbox list --format json | grep -q "\"$id\""
    e2b sandbox kill "$id"
    refute host_pid 7043
}

# As root by sudo and root by ssh have one home, and each another XDG_RUNTIME_DIR.
@test "a backend is found by those with another runtime directory" {
    ln -s "$E2B_HOME" "$BATS_TEST_TMPDIR/e2b"
    mkdir -m 700 "$BATS_TEST_TMPDIR/run"
    elsewhere="env -u E2B_HOME XDG_DATA_HOME=$BATS_TEST_TMPDIR XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run $E2B"
    e2b local start
    pid=$(daemon_pid)
    $elsewhere local status --format json | grep -q "\"pid\": $pid,"
    $elsewhere sandbox list
    $elsewhere doctor | grep -q "backend *it runs"
    [ "$(backends)" = "$pid" ]
    $elsewhere local stop
    until_true refute kill -0 "$pid" 2>/dev/null
}

@test "a socket that was removed comes back" {
    e2b local start
    pid=$(daemon_pid)
    sockets() { ls -l "/proc/$pid/fd" | grep -c socket: || true; }
    before=$(sockets)
    for _ in 1 2; do
        rm -r "$E2B_HOME/run"
        until_true e2b local status
        [ "$(daemon_pid)" = "$pid" ]
    done
    as_before() { [ "$(sockets)" -le "$before" ]; }
    until_true as_before
}

@test "a socket that belongs to nobody alive is replaced" {
    e2b local start
    kill -9 "$(daemon_pid)"
    [ -S "$E2B_HOME/run/e2b.sock" ]
    e2b sandbox list
}

@test "a runtime directory that others can write is refused, with the reason" {
    mkdir -p "$E2B_HOME/run"
    chmod 777 "$E2B_HOME/run"
    run e2b sandbox list
    [ "$status" != 0 ]
    [[ "$output" == *"$E2B_HOME/run"* ]]
    chmod 700 "$E2B_HOME/run"
    e2b sandbox list
}

@test "env gives the four exports, and they reach the same backend" {
    run e2b local env
    [ "$status" = 0 ]
    for name in E2B_API_URL E2B_SANDBOX_URL E2B_API_KEY E2B_DOMAIN; do
        [[ "$output" == *"export $name="* ]]
    done
    id=$(new_sandbox)
    eval "$output"
    [[ "$E2B_API_KEY" =~ ^e2b_[0-9a-f]{40}$ ]]
    export E2B_API_URL E2B_SANDBOX_URL E2B_API_KEY E2B_DOMAIN
    e2b sandbox list --format json | grep -q "\"$id\""
    [ "$(stat -c %a "$E2B_HOME/api-key")" = 600 ]
}

@test "the key is needed over TCP" {
    command -v node >/dev/null || skip "node is not installed"
    eval "$(e2b local env)"
    status_of() { # key
        node -e 'fetch(process.argv[1] + "/v2/sandboxes", { headers: { "X-API-Key": process.argv[2] } })
            .then(r => console.log(r.status))' "$E2B_API_URL" "$1"
    }
    [ "$(status_of "$E2B_API_KEY")" = 200 ]
    [ "$(status_of e2b_0000000000000000000000000000000000000000)" = 401 ]
}

@test "a backend that stops leaves nothing of killed sandboxes behind" {
    id=$(new_sandbox)
    e2b sandbox exec "$id" -- sh -c 'mkdir d && cd d && for i in $(seq 600); do echo $i >$i; done' </dev/null
    e2b sandbox kill "$id"
    e2b local stop
    [ -d "$E2B_HOME/trash" ]
    [ -z "$(ls -A "$E2B_HOME/trash")" ]
    refute grep -q 'not all that ended' "$E2B_HOME"/*.log
}

@test "a backend whose state was removed takes its sandboxes along" {
    export E2B_HOME=$TMPDIR/removed
    id=$(new_sandbox)
    e2b sandbox exec --background "$id" -- sleep 7144$own </dev/null
    until_true host_pid 7144 >/dev/null
    pid=$(daemon_pid)
    rm -rf "$E2B_HOME" 2>/dev/null || true # what belongs to the sandboxes' ids may stay
    until_true refute kill -0 "$pid" 2>/dev/null
    refute host_pid 7144
}
