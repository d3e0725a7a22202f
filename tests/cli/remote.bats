# SPDX-License-Identifier: Apache-2.0
#
# Sandbox commands against a server that behaves like the hosted one (mock_api.mjs): what is sent,
# what is printed, exit statuses.

bats_require_minimum_version 1.5.0
load common

setup() { mock_start; }

teardown() { mock_end; }

# The named field of each request, as JSON: sent .method .url
sent() {
    node -e '
        const lines = require("fs").readFileSync(process.argv[1], "utf8").trim().split("\n").map((l) => JSON.parse(l))
        const at = (o, path) => path.split("/").reduce((v, k) => v?.[k], o)
        for (const line of lines) console.log(process.argv.slice(2).map((p) => {
            const v = at(line, p)
            return typeof v === "string" ? v : JSON.stringify(v) ?? "-"
        }).join(" "))' "$log" "$@"
}

create() { "$E2B" sandbox create --detach "$@"; }

@test "create sends what the official command line sends, and prints the id" {
    run -0 create
    [ "$output" = isb000000000000000001 ]
    [ "$(sent method url body)" = 'POST /sandboxes {"templateID":"base","timeout":300,"secure":true,"allow_internet_access":true}' ]
    [ "$(sent headers/x-api-key headers/content-type)" = "$E2B_API_KEY application/json" ]
    [[ "$(sent headers/user-agent)" == e2b-c/* ]]
}

@test "create passes the lifecycle and metadata on" {
    run -0 create my-template --timeout 1m --metadata a=1 --metadata b=x=y \
        --lifecycle.ontimeout pause --lifecycle.autoresume
    [ "$(sent body)" = '{"templateID":"my-template","timeout":60,"secure":true,"allow_internet_access":true,"autoPause":true,"autoResume":{"enabled":true},"metadata":{"a":"1","b":"x=y"}}' ]
}

@test "the former name of create works and says so" {
    run -0 --separate-stderr "$E2B" sandbox spawn -d
    [ "$output" = isb000000000000000001 ]
    [[ "$stderr" == "Warning: The 'spawn' command is deprecated"* ]]
}

@test "create without a terminal makes nothing and says what to do" {
    run -2 --separate-stderr "$E2B" sandbox create
    [[ "$stderr" == *"--detach"* ]]
    [ ! -e "$log" ]
    run -2 --separate-stderr create --lifecycle.autoresume
    [[ "$stderr" == *"requires --lifecycle.ontimeout pause"* ]]
    run -2 --separate-stderr create --timeout 10
    [ ! -e "$log" ]
}

@test "a rate limit that says when is waited for, one that does not is reported" {
    run -0 create busy
    [ "$(sent method | wc -l)" = 3 ]
    run -6 --separate-stderr create full
    [[ "$stderr" == *"reached the maximum number"* ]]
}

@test "errors have their own exit statuses and the server's words" {
    run -4 --separate-stderr create missing
    [[ "$stderr" == *"template 'missing' not found"* ]]
    E2B_API_KEY=e2b_bad run -3 --separate-stderr create
    [[ "$stderr" == *"authorization header is missing"* ]]
    run -4 --separate-stderr "$E2B" sandbox info igone
    [ "${stderr_lines[0]}" = "error: Sandbox igone wasn't found" ]
    run -7 --separate-stderr "$E2B" sandbox info ihtml
    [[ "$stderr" == *"HTTP 502 (<html> <h1>Bad Gateway</h1> </html>)"* ]]
    E2B_API_URL=http://127.0.0.1:1 run -7 --separate-stderr "$E2B" sandbox list
    [[ "$stderr" == *"cannot reach 127.0.0.1:1"* ]]
}

@test "list prints the table, pages, filters and JSON of the official command line" {
    run -0 "$E2B" sandbox list
    [ "$output" = "No sandboxes found" ]
    [ "$(sent url)" = "/v2/sandboxes?state=running&limit=100" ]
    create --metadata user=u0 --metadata app=prod
    create --metadata user=u1
    run -0 "$E2B" sandbox list
    [ "${lines[0]}" = "SANDBOX ID              TEMPLATE ID            ALIAS   STARTED AT             END AT                 STATE     VCPUS   RAM MIB   ENVD VERSION   METADATA" ]
    [ "${lines[1]}" = 'isb000000000000000001   rki5dems9wqfm4r03t7g   base    1/2/2026, 3:04:06 AM   1/2/2026, 3:09:06 AM   Running   2       512       0.6.13         {"user":"u0","app":"prod"}' ]
    run -0 "$E2B" sbx ls -m user=u1 --quiet
    [ "$output" = isb000000000000000002 ]
    run -0 "$E2B" sandbox list --limit 1
    [ "${lines[2]}" = "Showing first 1 sandboxes. Use --limit to change." ]
    run -0 "$E2B" sandbox list --format json --limit 1 --order asc
    [ "$(jq -c . <<<"$output" 2>/dev/null || node -p 'JSON.stringify(JSON.parse(process.argv[1]))' "$output")" = '[{"sandboxId":"isb000000000000000002","templateId":"rki5dems9wqfm4r03t7g","name":"base","metadata":{"user":"u1"},"startedAt":"2026-01-02T03:04:07.000Z","endAt":"2026-01-02T03:09:07.000Z","state":"running","cpuCount":2,"memoryMB":512,"envdVersion":"0.6.13","volumeMounts":[]}]' ]
}

@test "list writes queries as the service decodes them" {
    run -0 "$E2B" sandbox list -m 'k y=v/1&é, app = prod' -s running,paused -t base \
        --started-after 2026-01-02 -o asc -l 3
    [ "$(sent url)" = "/v2/sandboxes?metadata=k%252520y%3Dv%25252F1%252526%2525C3%2525A9%26app%3Dprod&state=running,paused&template=base&startedAfter=2026-01-02T00%3A00%3A00.000Z&order=asc&limit=3" ]
    run -2 --separate-stderr "$E2B" sandbox list --started-after yesterday
    run -2 --separate-stderr "$E2B" sandbox list -s bogus
    run -2 --separate-stderr "$E2B" sandbox list -m bad
    [ "$(sent url | wc -l)" = 1 ]
}

@test "list follows the pages" {
    for _ in $(seq 103); do create >/dev/null; done
    run -0 "$E2B" sandbox list --quiet
    [ "${#lines[@]}" = 103 ]
    [ "${lines[0]}" = isb000000000000000001 ]
    [ "$(sent url | tail -n 1)" = "/v2/sandboxes?state=running&limit=100&nextToken=100" ]
}

@test "info prints labels, and never the access token" {
    create --metadata app=web
    run -0 "$E2B" sandbox info isb000000000000000001
    [[ "$output" == *"Sandbox ID: isb000000000000000001"*"State: running"*"vCPUs: 2"* ]]
    [[ "$output" != *mock-access-token* ]]
    run -0 "$E2B" sandbox info isb000000000000000001 --format json
    [[ "$output" == *'"sandboxId": "isb000000000000000001"'* && "$output" != *mock-access-token* ]]
}

@test "kill ends the named ones, and says which were not there" {
    create && create && create
    run -4 --separate-stderr "$E2B" sandbox kill isb000000000000000001 igone isb000000000000000002
    [ "${lines[*]}" = "Sandbox isb000000000000000001 has been killed Sandbox isb000000000000000002 has been killed" ]
    [ "$stderr" = "Sandbox igone wasn't found" ]
    run -0 "$E2B" sandbox kill --all
    [ "$output" = "Killed 1 running sandboxes" ]
    run -0 "$E2B" sandbox kill --all
    [ "$output" = "No running sandboxes" ]
    run -2 "$E2B" sandbox kill
    run -2 "$E2B" sandbox kill --all x
}

@test "exec connects, starts a login shell, and sends what the sandbox's API wants" {
    id=$(create)
    run -0 "$E2B" sandbox exec -u root -c /tmp -e A=1 -e B=x=y "$id" -- sh -c 'echo $A $B; pwd'
    [ "$output" = $'1 x=y\n/tmp' ]
    [ "$(sent method url body | sed -n 2p)" = "POST /sandboxes/$id/connect "'{"timeout":300}' ]
    [ "$(sent url body | sed -n 3p)" = '/process.Process/Start {"process":{"cmd":"/bin/bash","args":["-l","-c","sh -c '"'echo \$A \$B; pwd'"'"],"envs":{"A":"1","B":"x=y"},"cwd":"/tmp"},"stdin":false}' ]
    [ "$(sent headers/e2b-sandbox-id headers/e2b-sandbox-port headers/x-access-token headers/authorization | sed -n 3p)" = "$id 49983 mock-access-token Basic cm9vdDo=" ]
    [ "$(sent headers/connect-protocol-version headers/content-type headers/keepalive-ping-interval headers/connect-timeout-ms | sed -n 3p)" = "1 application/connect+json 50 -" ]
}

@test "exec quotes several words, and takes one as shell text" {
    id=$(create)
    run -0 "$E2B" sandbox exec "$id" -- echo "it's" 'a "b"' '' '$HOME'
    [ "$output" = "it's a \"b\"  \$HOME" ]
    run -0 "$E2B" sandbox exec "$id" 'echo a; echo b'
    [ "$output" = $'a\nb' ]
}

@test "exec passes the exit status on, as the official command line prints it" {
    id=$(create)
    run -3 --separate-stderr "$E2B" sandbox exec "$id" -- sh -c 'echo out; echo err >&2; exit 3'
    [ "$output" = out ]
    [ "$stderr" = $'err\nexit status 3' ]
    run -255 --separate-stderr "$E2B" sandbox exec "$id" 'kill -9 $$'
    [ "$stderr" = "signal: killed" ]
    run -4 "$E2B" sandbox exec igone true
    run -2 "$E2B" sandbox exec "$id"
}

@test "exec gives standard input in order, whole, and its end" {
    id=$(create)
    head -c 3000000 /dev/urandom >in
    run -0 "$E2B" sandbox exec "$id" sha256sum <in
    [ "$output" = "$(sha256sum <in)" ]
    run -0 "$E2B" sandbox exec "$id" cat < <(printf '')
    [ "$output" = "" ]
    "$E2B" sandbox exec "$id" cat <in >out
    cmp in out
}

@test "exec ends with a command that does not read its input" {
    id=$(create)
    run -0 --separate-stderr "$E2B" sandbox exec "$id" true < <(head -c 3000000 /dev/zero)
    [ "$output" = "" ]
}

@test "exec to a sandbox that cannot end input warns and gives none" {
    id=$(create old)
    run -0 --separate-stderr "$E2B" sandbox exec "$id" cat < <(echo hello)
    [ "$output" = "" ]
    [ "${stderr_lines[0]}" = "e2b: Warning: Piped stdin is not supported by this sandbox version." ]
}

@test "exec loses nothing of 10 MB through a pipe, and keeps bytes as they are" {
    id=$(create)
    [ "$("$E2B" sandbox exec "$id" 'head -c 10000000 /dev/zero' | wc -c)" = 10000000 ]
    [ "$("$E2B" sandbox exec "$id" 'printf "\xff\xfe\x00A"' | od -An -tx1)" = " ff fe 00 41" ]
}

@test "exec ends, and ends the command, when its reader leaves" {
    id=$(create)
    "$E2B" sandbox exec "$id" 'echo $$ >pid; yes' 2>stderr | head -n 1 >first
    [ "$(cat first)" = y ]
    [ ! -s stderr ]
    while kill -0 "$(cat pid)" 2>/dev/null; do :; done
}

@test "exec in the background prints the process id on standard error and leaves" {
    id=$(create)
    run -0 --separate-stderr "$E2B" sandbox exec -b "$id" 'cat >got; mv got done' < <(echo input)
    [ "$output" = "" ]
    [[ "$stderr" =~ ^[0-9]+$ ]]
    while [ ! -e done ]; do :; done
    [ "$(cat done)" = input ]
}

@test "the first interrupt terminates the command, the second kills it" {
    id=$(create)
    interrupted_twice "$id"
}

@test "a backend that says nothing does not keep us from leaving" {
    id=$(create)
    "$E2B" sandbox exec "$id" 'true # mock-silent' 3>&- &
    pid=$!
    while ! grep -q mock-silent "$log"; do :; done
    kill -TERM "$pid"
    ended 143
}

@test "a stream that breaks off is told apart from a sandbox that is gone" {
    id=$(create)
    run -7 --separate-stderr "$E2B" sandbox exec "$id" 'echo a # mock-drop'
    [ "$output" = a ]
    run -4 --separate-stderr "$E2B" sandbox exec "$id" 'echo a # mock-die'
    [[ "$stderr" == *"killed or reached its end of life"* ]]
}

@test "run makes a sandbox, runs, and removes it, whatever the command did" {
    run -0 "$E2B" sandbox run -- echo hi
    [ "$output" = hi ]
    run -7 --separate-stderr "$E2B" sandbox run my-template -- sh -c 'exit 7'
    [ "$stderr" = "" ]
    run -137 "$E2B" sandbox run -- 'kill -9 $$'
    run -0 "$E2B" sandbox list --quiet
    [ "$output" = "" ]
    [ "$(sent body/templateID | grep -v '^-$' | tr '\n' ' ')" = "base my-template base " ]
    run -2 --separate-stderr "$E2B" sandbox run
    [[ "$stderr" == *"missing command"* ]]
    run -4 --separate-stderr "$E2B" sandbox run missing -a
    [[ "$stderr" == *"behind --: e2b sandbox run -- missing"* ]]
}

@test "an interrupted run leaves no sandbox behind" {
    start sandbox run -- 'echo up; sleep 600' >out
    while ! grep -q up out; do :; done
    kill -INT "$pid"
    ended 143
    run -0 "$E2B" sandbox list --quiet
    [ "$output" = "" ]
}

@test "an interrupt while the sandbox is made removes it, a second one does not wait for the server" {
    for command in "create --detach late" "run late -- true"; do
        start sandbox $command >out
        while ! grep -q '"late"' "$log" 2>/dev/null; do :; done
        while kill -INT "$pid" 2>/dev/null; do :; done
        ended 130
        : >"$log"
    done
    start sandbox create --detach late >out
    created=$pid
    start sandbox run late -- 'echo begun' >>out
    while [ "$(grep -c '"late"' "$log")" != 2 ]; do :; done
    kill -INT "$created" "$pid"
    "$E2B" sandbox list --quiet
    ended 130
    pid=$created
    ended 130
    [ ! -s out ]
    [ "$(grep -c '"DELETE"' "$log")" = 2 ]
}

@test "addresses of sandboxes follow the domain" {
    id=$(create)
    unset E2B_SANDBOX_URL
    E2B_DOMAIN=nowhere.invalid run -7 --separate-stderr "$E2B" sandbox exec "$id" true
    [[ "$stderr" == *"49983-$id.nowhere.invalid"* ]]
}

@test "completion knows the sandboxes that run, and is silent where nobody answers" {
    create && create
    [ "$("$E2B" complete -- sandbox info "" | cut -f 1 | sort | tr '\n' ' ')" = \
        "isb000000000000000001 isb000000000000000002 " ]
    [ "$("$E2B" complete -- sandbox kill isb000000000000000001 isb000000000000000002 | cut -f 1)" = \
        isb000000000000000002 ]
    run -0 "$E2B" complete -- sandbox info x
    [ "$output" = "" ]
    E2B_API_URL=http://127.0.0.1:1 run -0 "$E2B" complete -- sandbox info ""
    [ "$output" = "" ]
    E2B_CONTEXT=local run -0 "$E2B" complete -- sandbox info ""
    [ "$output" = "" ]
}
