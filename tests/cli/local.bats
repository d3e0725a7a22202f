# SPDX-License-Identifier: Apache-2.0
# timeout: 240
#
# The command line and the backend of this machine together: starting and stopping it, and commands
# in real sandboxes. One backend for all tests but those about starting.

bats_require_minimum_version 1.5.0
load common

setup_file() {
    unset E2B_API_KEY E2B_API_URL E2B_SANDBOX_URL E2B_DOMAIN E2B_CONTEXT
    # The first start builds the base.
    timeout 200 "$E2B" sandbox create -d --timeout 10m >"$BATS_FILE_TMPDIR/id" 2>"$BATS_FILE_TMPDIR/why" ||
        { cat "$BATS_FILE_TMPDIR/why" >&2; return 1; }
}

setup() {
    id=$(cat "$BATS_FILE_TMPDIR/id")
    pty=$E2B_BUILD/tests/pty
}

teardown_file() {
    "$E2B" sandbox kill --all
    "$E2B" local stop
}

@test "status tells where it is, and exits 7 where none runs" {
    run -0 "$E2B" local status --format json
    node -e '
        const s = JSON.parse(process.argv[1])
        process.exit(s.running && s.pid > 1 && s.socket.startsWith(process.env.E2B_HOME) &&
            /^http:\/\/127\.0\.0\.1:\d+$/.test(s.url) && s.version && s.uptimeSeconds >= 0 ? 0 : 1)' "$output"
    E2B_HOME=$BATS_TEST_TMPDIR run -7 "$E2B" local status --format json
    [[ "$output" == *'"running": false'* ]]
    E2B_HOME=$BATS_TEST_TMPDIR run -0 "$E2B" local stop
    E2B_HOME=$BATS_TEST_TMPDIR run -4 "$E2B" local logs
}

@test "env gives what a program needs to come over TCP, in three forms" {
    eval "$("$E2B" local env)"
    [[ "$E2B_API_KEY" =~ ^e2b_[0-9a-f]{40}$ && "$E2B_SANDBOX_URL" = "$E2B_API_URL" ]]
    run -0 node -e '
        fetch(process.env.E2B_API_URL + "/v2/sandboxes", { headers: { "x-api-key": process.env.E2B_API_KEY } })
            .then((r) => r.json()).then((all) => console.log(all.map((s) => s.sandboxID).join()))'
    [[ "$output" == *"$id"* ]]
    run -0 "$E2B" local env --shell fish
    [ "${lines[0]}" = "set -gx E2B_API_KEY $E2B_API_KEY" ]
    run -0 "$E2B" local env --format json
    [[ "$output" == *"\"E2B_API_URL\": \"$E2B_API_URL\""* ]]
}

@test "what is the backend's own is refused over TCP, even with the key" {
    eval "$("$E2B" local env)"
    run -0 node -e '
        fetch(process.env.E2B_API_URL + "/local/env", { headers: { "x-api-key": process.env.E2B_API_KEY } })
            .then((r) => console.log(r.status))'
    [ "$output" = 403 ]
}

@test "two hundred commands at once start one backend, and all succeed" {
    export E2B_HOME=$HOME/second # not below bats, which cannot remove a base made of a range of ids
    pids=()
    for i in $(seq 200); do
        "$E2B" local env >"$BATS_TEST_TMPDIR/$i" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do ended 0; done
    [ "$(cat "$BATS_TEST_TMPDIR"/[0-9]* | sort | uniq -c | awk '{ print $1 }' | sort -u)" = 200 ]
    "$E2B" local stop
}

@test "a backend that cannot start says why to everybody who waits for it" {
    export E2B_HOME=$BATS_TEST_TMPDIR/home
    mkdir -p "$E2B_HOME/lock"
    pids=()
    for i in $(seq 20); do
        "$E2B" local start 2>"$BATS_TEST_TMPDIR/$i" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do ended 7; done
    for i in $(seq 20); do grep -q "cannot start: cannot open .*/lock" "$BATS_TEST_TMPDIR/$i"; done
}

@test "where nothing can be kept it says what to set" {
    E2B_HOME=/proc/nope run -1 --separate-stderr "$E2B" local start
    [[ "$stderr" == *"cannot create directory /proc/nope: No such file or directory"*"set E2B_HOME"* ]]
    E2B_HOME=/dev/null run -1 --separate-stderr "$E2B" local start
    [[ "$stderr" == *"cannot open /dev/null/run: Not a directory"*"set E2B_HOME"* ]]
}

@test "a runtime directory that others can write is refused" {
    export E2B_HOME=$BATS_TEST_TMPDIR/home
    mkdir -p "$E2B_HOME/run"
    chmod 777 "$E2B_HOME/run"
    run -3 --separate-stderr "$E2B" local start
    [[ "$stderr" == *"is not a directory that only you can write"* ]]
}

@test "a socket of somebody else is refused" {
    [ "$(id -u)" = 0 ] || skip "not here: only root can make one"
    export E2B_HOME=$BATS_TEST_TMPDIR/home
    mkdir -p "$E2B_HOME/run"
    # Whoever listens there passes the test of connecting, but not that of who he is.
    setpriv --reuid 65534 --clear-groups node -e 'process.chdir("/")' || skip "setpriv or node is not installed"
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$E2B_HOME"
    chmod 777 "$E2B_HOME/run"
    (cd "$E2B_HOME/run" && exec setpriv --reuid 65534 --clear-groups node -e '
        require("net").createServer(() => {}).listen("e2b.sock")') 3>&- &
    pid=$!
    while [ ! -S "$E2B_HOME/run/e2b.sock" ]; do kill -0 $pid; done
    run -3 --separate-stderr "$E2B" sandbox list
    kill $pid
    [[ "$stderr" == *"e2b.sock belongs to another user (uid 65534)"*"hint: "* ]]
}

@test "exec passes output, errors and exit statuses on" {
    run -3 --separate-stderr "$E2B" sandbox exec "$id" -- sh -c 'echo out; echo err >&2; exit 3'
    [ "$output" = out ]
    [ "$stderr" = $'err\nexit status 3' ]
    run -127 --separate-stderr "$E2B" sandbox exec "$id" no-such-command-xyz
    run -255 --separate-stderr "$E2B" sandbox exec "$id" 'kill -9 $$'
    [ "$stderr" = "signal: killed" ]
    run -0 "$E2B" sandbox exec -u root -c /tmp -e A=1 "$id" 'id -u; pwd; echo $A'
    [ "$output" = $'0\n/tmp\n1' ]
    run -1 --separate-stderr "$E2B" sandbox exec -c /nonexistent "$id" pwd
    [[ "$stderr" == *"cwd '/nonexistent' does not exist"* ]]
    run -3 --separate-stderr "$E2B" sandbox exec -u nobody-here "$id" true
}

@test "standard input arrives whole, with its end, and comes back" {
    head -c 10000000 /dev/urandom >in
    "$E2B" sandbox exec "$id" cat <in >out
    cmp in out
    run -0 "$E2B" sandbox exec "$id" 'sha256sum | cut -c1-64' < <(cat in)
    [ "$output" = "$(sha256sum <in | cut -c1-64)" ]
    run -0 "$E2B" sandbox exec "$id" cat </dev/null
    [ "$output" = "" ]
}

@test "nothing of 10 MB is lost on a slow pipe" {
    [ "$("$E2B" sandbox exec "$id" 'head -c 10000000 /dev/zero' | dd bs=777 2>/dev/null | wc -c)" = 10000000 ]
    [ "$("$E2B" sandbox exec "$id" 'head -c 10000000 /dev/zero' | cat | wc -c)" = 10000000 ]
}

@test "a reader that leaves ends the command, quietly" {
    "$E2B" sandbox exec "$id" 'echo $$ >/tmp/pid; exec yes' 2>err | head -n 1 >first
    [ "$(cat first)" = y ]
    [ ! -s err ]
    while "$E2B" sandbox exec "$id" 'kill -0 "$(cat /tmp/pid)"' 2>/dev/null; do :; done
}

@test "the first interrupt terminates, the second kills" {
    interrupted_twice "$id"
}

@test "a terminal: keys, Ctrl-C as a key, its size, the exit status" {
    run -7 "$pty" "$E2B" sandbox exec --tty "$id" 'bash --norc -i' <<'SCRIPT'
expect $
send PS1='ready''> '; stty size\r
expect 30 100
expect ready>
send sh -c "echo sta''rted; exec sleep 600"\r
expect started
send \003
expect ready>
size 40 120
send until stty size | grep ^40; do :; done\r
expect 40 120
send exit 7\r
SCRIPT
}

@test "a terminal that is closed takes the command in it along" {
    run -255 "$pty" "$E2B" sandbox exec --tty "$id" 'bash --norc -i' <<'SCRIPT'
expect $
kill 15
expect signal: killed
SCRIPT
}

@test "create opens a terminal and ends the sandbox with it" {
    run -0 "$pty" "$E2B" sandbox create <<'SCRIPT'
expect Terminal connecting to template base with sandbox ID
expect $
send echo $((40+2))-fine\r
expect 42-fine
send exit\r
expect Closing terminal connection to template base with sandbox ID
SCRIPT
    new=$(grep -o 'sandbox ID [^ ]*i[a-z0-9]\{20\}' <<<"$output" | head -n 1 | grep -o 'i[a-z0-9]\{20\}$')
    while "$E2B" sandbox info "$new" >/dev/null 2>&1; do :; done
}

@test "connect opens a terminal and leaves the sandbox" {
    run -4 "$pty" "$E2B" sandbox connect -u root "$id" <<'SCRIPT'
expect #
send exit 4\r
SCRIPT
    run -0 "$E2B" sandbox info "$id"
}

@test "run leaves nothing behind, whatever the command did" {
    before=$("$E2B" sandbox list --quiet | wc -l)
    run -0 "$E2B" sandbox run -- echo hi
    [ "$output" = hi ]
    run -7 "$E2B" sandbox run -- sh -c 'exit 7'
    run -137 "$E2B" sandbox run -- 'kill -9 $$'
    [ "$(echo input | "$E2B" sandbox run -- cat)" = input ]
    start sandbox run -- 'echo up; exec sleep 600' >out
    while ! grep -q up out; do :; done
    kill -INT "$pid"
    ended 143
    [ "$("$E2B" sandbox list --quiet | wc -l)" = "$before" ]
}

@test "ids that name nothing, or cannot name anything" {
    run -4 --separate-stderr "$E2B" sandbox exec i00000000000000000000 true
    [[ "$stderr" == *"i00000000000000000000 wasn't found"* ]]
    run -4 --separate-stderr "$E2B" sandbox kill i00000000000000000000
    run -1 --separate-stderr "$E2B" sandbox info '../etc'
    run -4 --separate-stderr "$E2B" sandbox run no-such-template -- true
    [[ "$stderr" == *"template 'no-such-template' not found"* ]]
}

@test "a dry run prints the plan and makes nothing" {
    before=$("$E2B" sandbox list --quiet | wc -l)
    run -0 "$E2B" sandbox create --dry-run --format json
    node -e 'JSON.parse(process.argv[1])' "$output"
    [ "$("$E2B" sandbox list --quiet | wc -l)" = "$before" ]
}

@test "the log is one JSON object a line, and can be followed" {
    "$E2B" local logs | node -e '
        for (const l of require("fs").readFileSync(0, "utf8").trim().split("\n")) JSON.parse(l).message.length'
    "$E2B" local logs --follow >log &
    pid=$!
    while [ ! -s log ]; do :; done
    lines=$(wc -l <log)
    "$E2B" sandbox run -- true
    while [ "$(wc -l <log)" -le "$lines" ]; do :; done
    kill "$pid"
}

@test "the log ends, quietly, when its reader leaves" {
    local E2B_HOME=$BATS_TEST_TMPDIR
    echo line >"$E2B_HOME/e2bd.log"
    "$E2B" local logs --follow 2>err | head -n 1 >first
    [ "$(cat first)" = line ]
    [ ! -s err ]
    yes line | head -n 100000 >"$E2B_HOME/e2bd.log"
    "$E2B" local logs 2>err | head -n 1 >first
    [ "$(cat first)" = line ]
    [ ! -s err ]
}

# What they print they flush piece by piece, so that the last flush has nothing left to fail with.
@test "output that nobody reads is told of by the exit status alone" {
    mine=$("$E2B" sandbox create --detach)
    mkfifo pipe
    exec 8<>pipe 7>pipe 8<&-
    for command in "event tail --lines 1" "sandbox kill $mine" "local logs"; do
        status=0
        "$E2B" $command >&7 2>err || status=$?
        [ "$status" = 141 ]
        [ ! -s err ]
    done
    exec 7>&-
}

@test "logs and metrics of a sandbox are followed to its end, and are there afterwards" {
    run -0 "$E2B" sandbox create --detach
    mine=${lines[-1]}
    start sandbox logs --follow --format json "$mine" >"$BATS_TEST_TMPDIR/logs"
    logs=$pid
    start sandbox metrics --follow --format json "$mine" >"$BATS_TEST_TMPDIR/metrics"
    metrics=$pid
    "$E2B" sandbox exec "$mine" 'echo seen; echo wrong >&2' >/dev/null 2>&1
    timeout 60 sh -c 'until [ -s "$1" ]; do sleep 0.2; done' - "$BATS_TEST_TMPDIR/metrics"
    run -0 "$E2B" team metrics --since 1m --format json
    [[ "$output" == *'"concurrentSandboxes": '[1-9]* ]]
    "$E2B" sandbox kill "$mine"
    pid=$logs ended 0
    pid=$metrics ended 0
    [[ "$(cat "$BATS_TEST_TMPDIR/logs")" == *created*'"level":"info"'*'"message":"seen"'*'"killed: request"}' ]]
    grep -q '"level":"warn".*"message":"wrong","stream":"stderr"' "$BATS_TEST_TMPDIR/logs"
    run -0 "$E2B" sandbox logs "$mine" --format json
    [ "$output" = "$(cat "$BATS_TEST_TMPDIR/logs")" ]
    run -0 "$E2B" sandbox metrics "$mine" --format json
    [[ "$output" == "$(cat "$BATS_TEST_TMPDIR/metrics")"* ]]
    [[ "$output" =~ '"memTotal":'[1-9] ]]
}

@test "a sandbox is paused, forked, copied, and a port in it awaited" {
    one=$("$E2B" sandbox create -d)
    "$E2B" sandbox exec "$one" -- 'echo kept >file'
    run -0 "$E2B" sandbox pause "$one"
    run -0 "$E2B" sandbox info "$one"
    [[ "$output" == *"State: paused"*"Kept while paused: memory; after a restart of the machine it starts anew"* ]]
    run -0 "$E2B" sandbox resume "$one"
    fork=$("$E2B" sandbox fork "$one")
    [ "$("$E2B" sandbox exec "$fork" -- cat file)" = kept ]
    "$E2B" sandbox snapshot create "$one" --name ready
    copy=$("$E2B" sandbox create -d ready)
    [ "$("$E2B" sandbox exec "$copy" -- cat file)" = kept ]
    run -124 "$E2B" sandbox wait "$copy" --for port:8123 --timeout 1
    "$E2B" sandbox exec -b "$copy" -- python3 -m http.server 8123
    run -0 "$E2B" sandbox wait "$copy" --for port:8123 --timeout 60
    "$E2B" sandbox kill "$one" "$fork" "$copy"
    run -0 "$E2B" sandbox snapshot delete ready
    for command in "info $one" "exec $one true" "timeout $one 5"; do # when and why
        run -4 --separate-stderr "$E2B" sandbox $command
        [[ "$stderr" == *"andbox $one wasn't found"$'\n'"hint: it ended at 20"*"Z (request)" ]]
    done
}
