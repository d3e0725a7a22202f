# SPDX-License-Identifier: Apache-2.0
#
# What the tests of the command line share: a server that behaves like the hosted one, and commands
# in the background.

# Starts mock_api.mjs, which lives until mock_end: $log gets its requests, the environment its address.
mock_start() {
    command -v node >/dev/null || skip "node is not installed"
    log=$BATS_TEST_TMPDIR/requests
    local port=$BATS_TEST_TMPDIR/port
    mkfifo "$BATS_TEST_TMPDIR/alive"
    node "$E2B_SOURCE/tests/cli/mock_api.mjs" "$log" "$port" <"$BATS_TEST_TMPDIR/alive" 3>&- &
    exec 9>"$BATS_TEST_TMPDIR/alive"
    while [ ! -s "$port" ]; do kill -0 $! || return 1; done
    export E2B_API_URL=http://127.0.0.1:$(cat "$port") TZ=UTC
    export E2B_SANDBOX_URL=$E2B_API_URL E2B_API_KEY=e2b_0123456789012345678901234567890123456789
}

mock_end() {
    exec 9>&-
    wait
}

# In the background, without the ignored SIGINT that shells give to background jobs: sets $pid.
start() {
    env --default-signal=INT "$E2B" "$@" &
    pid=$!
}

# The exit status of what `start` started must be this.
ended() {
    local status=0
    wait "$pid" || status=$?
    [ "$status" = "$1" ]
}

# The first interrupt of an exec terminates the command, the second kills it.
interrupted_twice() { # id
    start sandbox exec "$1" 'trap "echo term; exit 5" TERM; echo up; while :; do sleep 0.05; done' >out 2>err
    while ! grep -q up out; do :; done
    kill -INT "$pid"
    ended 5
    [ "$(cat out)" = $'up\nterm' ]
    start sandbox exec "$1" 'trap "echo term" TERM; echo up; while :; do sleep 0.05; done' >out 2>err
    while ! grep -q up out; do :; done
    kill -INT "$pid"
    while ! grep -q term out; do :; done
    kill -INT "$pid"
    ended 255
    [ "$(cat err)" = "signal: killed" ]
}
