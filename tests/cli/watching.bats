# SPDX-License-Identifier: Apache-2.0
#
# Logs and metrics against a server that behaves like the hosted one (mock_api.mjs): what is sent,
# what is printed, and that following ends when the sandbox does.

bats_require_minimum_version 1.5.0
load common

setup() { mock_start; }

teardown() { mock_end; }

create() { "$E2B" sandbox create --detach "$@" | tail -1; }

# What was asked for after the creation, a line each.
asked() { grep -o '"method":"GET","url":"[^"]*"' "$log" | sed 's/.*"url":"//; s/"$//'; }

@test "logs prints what the official command line prints" {
    id=$(create)
    run -0 "$E2B" sandbox logs "$id"
    [ "$output" = "
Logs for sandbox $id:

[2026-01-02 03:04:05.678Z] INFO  { logger: 'process', message: 'hello from process', pid: 12 }
[2026-01-02 03:04:07.000Z] WARN  { logger: 'process', message: 'warn line', nested: { a: [ 1, 2 ] } }
[2026-01-02 03:04:08.000Z] ERROR { logger: 'process', message: 'error line' }" ]
    [ "$(asked)" = "/sandboxes/$id/logs" ]
}

@test "logs in JSON: one object a line, and nothing else" {
    id=$(create)
    run -0 "$E2B" sandbox lg "$id" --format json --level debug
    [ "$output" = '{"timestamp":"2026-01-02T03:04:05.678Z","level":"info","logger":"process","message":"hello from process","pid":12}
{"timestamp":"2026-01-02T03:04:06.000Z","level":"debug","logger":"filesystem","message":"debug line"}
{"timestamp":"2026-01-02T03:04:07.000Z","level":"warn","logger":"process","message":"warn line","nested":{"a":[1,2]}}
{"timestamp":"2026-01-02T03:04:08.000Z","level":"error","logger":"process","message":"error line"}' ]
}

@test "logs are chosen by level, logger and text" {
    id=$(create)
    only() { "$E2B" sandbox logs "$id" --format json "$@" | sed 's/.*"message":"\([^"]*\)".*/\1/' | tr '\n' ' '; }
    [ "$(only --level WARN)" = "warn line error line " ]
    [ "$(only --level debug --loggers file,foo)" = "debug line " ]
    [ "$(only --loggers proc)" = "hello from process warn line error line " ]
    [ "$(only --grep 'r line')" = "error line " ]
    [ -z "$(only --since 1h)" ]
    [[ "$(asked | tail -1)" == "/sandboxes/$id/logs?start="[0-9]* ]]
}

@test "what cannot be meant is refused before anything is asked" {
    run -2 --separate-stderr "$E2B" sandbox logs i1 --level loud
    [[ "$stderr" == *"Invalid log level: loud"* ]]
    run -2 --separate-stderr "$E2B" sandbox logs i1 --format xml
    run -2 --separate-stderr "$E2B" sandbox metrics i1 --format xml
    [ ! -e "$log" ]
    run -4 --separate-stderr "$E2B" sandbox logs igone
    [ -z "$output" ]
    [ "${stderr_lines[0]}" = "error: sandbox igone wasn't found" ]
    run -4 --separate-stderr "$E2B" sandbox metrics igone --follow
    [ -z "$output" ]
    [ "${stderr_lines[0]}" = "error: sandbox igone wasn't found" ]
}

@test "lines that are no JSON, or have no level, are lines all the same" {
    id=$(create odd)
    run -0 "$E2B" sandbox logs "$id"
    [ "${lines[1]}" = "[2026-01-02 03:04:09.000Z] INFO  { message: 'no JSON' }" ]
    [ "${lines[2]}" = "[2026-01-02 03:04:09.000Z] INFO  { message: '[1]' }" ]
    [ "${lines[3]}" = "[2026-01-02 03:04:09.000Z] INFO  { message: 'no level' }" ]
    [ "${lines[4]}" = "[2026-01-02 03:04:09.000Z] INFO  { message: \"it's \\x1B[31m\", n: null, b: true, f: 0.43, 'a-b': {} }" ]
}

@test "logs of many pages are printed whole and once" {
    id=$(create many)
    [ "$("$E2B" sandbox logs "$id" --format json | grep -o 'line [0-9]*')" = "$(seq -f 'line %g' 0 2499)" ]
}

@test "following ends, well, when the sandbox is killed or paused" {
    for template in brief sleepy; do
        id=$(create $template)
        run -0 --separate-stderr timeout 60 "$E2B" sandbox logs -f "$id"
        [ "$(grep -c 'hello from process' <<<"$output")" = 1 ]
        [ -z "$stderr" ]
        [ "${lines[-1]}" = "Stopped printing logs — sandbox is closed" ]
        run -0 timeout 60 "$E2B" sandbox logs -f --format json "$(create $template)"
        [ "${#lines[@]}" = 3 ]
        run -0 timeout 60 "$E2B" sandbox metrics -f "$(create $template)"
        [ "$(grep -c 'Core' <<<"$output")" = 2 ]
        [ "${lines[-1]}" = "Stopped printing metrics — sandbox is closed" ]
    done
}

@test "following ends when nobody reads" {
    id=$(create)
    timeout 60 "$E2B" sandbox logs --follow --format json "$id" | head -1 >"$BATS_TEST_TMPDIR/one"
    [ "${PIPESTATUS[0]}" != 124 ]
    grep -q hello "$BATS_TEST_TMPDIR/one"
}

@test "metrics print what the official command line prints" {
    id=$(create)
    run -0 "$E2B" sandbox metrics "$id"
    [ "$output" = "
Metrics for sandbox $id:

[2026-01-02 03:04:05Z]  CPU:   1.5% /  2 Cores | Memory:   100 / 512   MiB | Disk:  1024 / 10240 MiB
[2026-01-02 03:04:10Z]  CPU:   1.5% /  2 Cores | Memory:   100 / 512   MiB | Disk:  1024 / 10240 MiB" ]
    run -0 "$E2B" sandbox mt "$id" --format json
    [ "${lines[0]}" = '{"timestamp":"2026-01-02T03:04:05.000Z","cpuUsedPct":1.5,"cpuCount":2,"memUsed":104857600,"memTotal":536870912,"memCache":1048576,"diskUsed":1073741824,"diskTotal":10737418240}' ]
    run -0 "$E2B" sandbox metrics "$id" --since 5m
    [[ "$output" == *"No metrics yet"* ]]
}

@test "the team's metrics are those of the default team" {
    create
    run -0 "$E2B" team metrics --since 2m --format json
    [[ "$output" == *'"concurrentSandboxes": 3'*'"sandboxStartRate": 0.2'* ]]
    [[ "$(asked | tail -1)" =~ ^/teams/0b1c6e1e-[^/]*/metrics\?start=([0-9]+)\&end=([0-9]+)$ ]]
    [ $((BASH_REMATCH[2] - BASH_REMATCH[1])) = 120 ]
    run -0 "$E2B" team metrics
    [[ "${lines[0]}" == "TIME "*"SANDBOXES   STARTED PER SECOND" && "${lines[1]}" == *" 3           0.2" ]]
}
