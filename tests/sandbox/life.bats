# SPDX-License-Identifier: Apache-2.0
#
# Commands in sandboxes from beginning to end: streams, exit statuses, signals, and that nothing is
# left when a sandbox is gone.

load common

setup_file() { have_sandbox; }
teardown_file() { end_backend; }

@test "run gives the exit status of the command" {
    e2b sandbox run -- true
    run e2b sandbox run -- sh -c 'exit 42'
    [ "$status" = 42 ]
    run e2b sandbox run -- sh -c 'kill -TERM $$'
    [ "$status" = 143 ]
    run e2b sandbox run -- /no/such/program
    [ "$status" = 127 ]
}

@test "stdin, stdout and stderr pass through apart from each other" {
    out=$(printf 'a\nb\n' | e2b sandbox run -- sh -c 'cat; echo error >&2' 2>"$BATS_TEST_TMPDIR/err")
    [ "$out" = $'a\nb' ]
    [[ "$(cat "$BATS_TEST_TMPDIR/err")" == error* ]]
}

@test "bytes come back as they went in" {
    head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
    e2b sandbox exec "$id" -- cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
    cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
}

@test "arguments arrive as they were given" {
    run e2b sandbox exec "$id" -- printf '[%s]' 'a b' '' "it's" '$HOME' $'new\nline'
    [ "$output" = $'[a b][][it\'s][$HOME][new\nline]' ]
    [ "$(e2b sandbox exec "$id" 'echo one | tr o 0')" = 0ne ]
}

@test "working directory, user and environment are as asked" {
    run e2b sandbox exec --cwd /usr/bin --env A=1 --env B='x y' "$id" 'pwd; echo "$A $B"'
    [ "$output" = $'/usr/bin\n1 x y' ]
    [ "$(e2b sandbox exec --user root "$id" 'id -u')" = 0 ]
    run e2b sandbox exec --user nobody-here "$id" true
    [ "$status" != 0 ]
    run e2b sandbox exec --cwd /not/there "$id" true
    [ "$status" != 0 ]
}

@test "what is written stays until the sandbox is gone" {
    e2b sandbox exec "$id" 'echo kept >/home/user/kept'
    [ "$(e2b sandbox exec "$id" 'cat /home/user/kept')" = kept ]
}

# Runs a script inside, in the background, and returns when it has printed "ready".
start_and_wait() {
    mkfifo "$BATS_TEST_TMPDIR/out"
    # A background child of a script ignores SIGINT, and would hand that on.
    env --default-signal=INT "$E2B" sandbox exec "$id" "$1" >"$BATS_TEST_TMPDIR/out" 3>&- &
    command=$!
    exec 8<"$BATS_TEST_TMPDIR/out"
    read -r -u 8 line
    [ "$line" = ready ]
}

@test "the first Ctrl-C is SIGTERM inside" {
    start_and_wait 'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done'
    kill -INT "$command"
    code=0
    wait "$command" || code=$?
    [ "$code" = 9 ]
}

@test "the second Ctrl-C is SIGKILL inside" {
    start_and_wait 'trap "echo term" TERM; echo ready; while :; do sleep 0.1; done'
    kill -INT "$command"
    read -r -u 8 line
    [ "$line" = term ]
    kill -INT "$command"
    code=0
    wait "$command" || code=$?
    [ "$code" = 255 ]
}

@test "unknown sandboxes are said to be unknown" {
    for command in "exec iabcdefghij0123456789 -- true" "info iabcdefghij0123456789"; do
        run e2b sandbox $command
        [ "$status" != 0 ]
        [ "$status" != 2 ]
        [[ "$output" == *iabcdefghij0123456789* ]]
    done
    run e2b sandbox run no-such-template -- true
    [ "$status" != 0 ]
    [[ "$output" == *no-such-template* ]]
}

@test "unknown users and templates are named, without talk of keys" {
    run -3 --separate-stderr e2b sandbox run -u nobody-here -- true
    [ "$stderr" = "error: invalid username: 'nobody-here'" ]
    run -4 --separate-stderr e2b sandbox run no-such-template -- true
    [[ "$stderr" == "error: template 'no-such-template' not found"*"e2b template list"* ]]
}

@test "list and info speak of it" {
    e2b sandbox list --format json | grep -q "\"$id\""
    e2b sandbox list | grep -q "$id"
    e2b sandbox info --format json "$id" | grep -q "\"$id\""
}

@test "the plan can be seen without anything being made" {
    before=$(e2b sandbox list --format json)
    run e2b sandbox create --dry-run --format json
    [ "$status" = 0 ]
    [[ "$output" == "{"*"memory"*"}" ]]
    [ "$(e2b sandbox list --format json)" = "$before" ]
}

@test "a killed sandbox leaves no process, directory, cgroup or mount" {
    one=$(new_sandbox)
    e2b sandbox exec "$one" "sleep 7042$own </dev/null >/dev/null 2>&1 & echo x >/home/user/x"
    until_true host_pid 7042 >/dev/null
    [ -d "$E2B_HOME/sandboxes/$one" ]
    e2b sandbox kill "$one"
    refute host_pid 7042
    [ ! -e "$E2B_HOME/sandboxes/$one" ]
    [ "$(find /sys/fs/cgroup -name "*$one*" 2>/dev/null)" = "" ]
    refute grep -q "$one" /proc/self/mountinfo
    run e2b sandbox exec "$one" true
    [ "$status" != 0 ]
}

@test "run leaves no sandbox behind, also when its command fails" {
    before=$(e2b sandbox list --format json)
    run e2b sandbox run -- false
    [ "$status" = 1 ]
    [ "$(e2b sandbox list --format json)" = "$before" ]
}
