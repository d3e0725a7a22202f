# SPDX-License-Identifier: Apache-2.0
#
# Pausing, forking, copying and waiting, against a server that behaves like the hosted one
# (mock_api.mjs): what is sent, what is printed, exit statuses.

bats_require_minimum_version 1.5.0
load common

setup() {
    mock_start
    id=$("$E2B" sandbox create --detach)
}

teardown() { mock_end; }

# The last request: method, path, body.
last() {
    tail -n 1 "$log" | node -e '
        const { method, url, body } = JSON.parse(require("fs").readFileSync(0, "utf8"))
        console.log(method, url, JSON.stringify(body) ?? "-")'
}

@test "pause and resume say what they did, and that there was nothing to do" {
    run -0 "$E2B" sandbox pause "$id"
    [ "$output" = "Sandbox $id has been paused" ]
    [ "$(last)" = "POST /sandboxes/$id/pause {\"memory\":true}" ]
    run -0 "$E2B" sbx ps "$id" --drop-memory
    [ "$output" = "Sandbox $id is already paused" ]
    [ "$(last)" = "POST /sandboxes/$id/pause {\"memory\":false}" ]
    run -0 "$E2B" sandbox resume "$id" --timeout 1h
    [ "$output" = "Sandbox $id has been resumed" ]
    [ "$(last)" = "POST /sandboxes/$id/connect {\"timeout\":3600}" ]
    run -4 "$E2B" sandbox pause igone
    [[ "$output" == *"Sandbox igone wasn't found"* ]]
    run -4 "$E2B" sbx rs igone
}

@test "timeout takes a duration" {
    run -0 "$E2B" sandbox timeout "$id" 1m30s
    [ "$output" = "Sandbox $id ends in 90 seconds" ]
    [ "$(last)" = "POST /sandboxes/$id/timeout {\"timeout\":90}" ]
    run -2 "$E2B" sandbox timeout "$id" soon
    run -4 "$E2B" sandbox timeout igone 5
}

@test "fork prints the ids, and fails if one of them is missing" {
    run -0 "$E2B" sandbox fork "$id"
    [ "$output" = isb000000000000000002 ]
    [ "$(last)" = "POST /sandboxes/$id/fork {\"timeout\":300,\"count\":1}" ]
    run -1 --separate-stderr "$E2B" sandbox fork "$id" -n 3
    [ "$output" = $'isb000000000000000003\nisb000000000000000004' ]
    [[ "$stderr" == *"a fork failed: no room"* ]]
    run -2 "$E2B" sandbox fork "$id" --count 101
}

@test "snapshots are made, listed and deleted" {
    run -0 "$E2B" sandbox snapshot list
    [ "$output" = "No snapshots found" ]
    run -0 "$E2B" sandbox snapshot create "$id"
    [ "$output" = "Created snapshot snap0 from sandbox $id" ]
    run -0 "$E2B" sbx snap cr "$id" --name mine
    [ "$output" = "Created snapshot mine:default from sandbox $id" ]
    run -0 "$E2B" sbx snap ls
    [ "${lines[0]}" = "SNAPSHOT ID    NAMES" ]
    [ "${lines[2]}" = "mine:default   mine:default" ]
    run -0 "$E2B" sandbox snapshot list "$id" --name mine --format json
    [ "$(tr -d ' \n' <<<"$output")" = '[{"snapshotId":"mine:default","names":["mine:default"]}]' ]
    [ "$(last)" = "GET /snapshots?limit=100&sandboxID=$id&name=mine -" ]
    run -4 "$E2B" sandbox snapshot delete mine:default tgone snap0
    [[ "$output" == *"Snapshot mine:default has been deleted"*"Snapshot tgone wasn't found"*"Snapshot snap0 has been deleted"* ]]
    run -4 "$E2B" sandbox snapshot create igone
}

@test "network rules are added to those that are there, or replace them" {
    run -0 "$E2B" sandbox network deny "$id" 0.0.0.0/0
    run -0 "$E2B" sandbox network allow "$id" 1.1.1.1 8.8.8.8
    [ "$(last)" = "PUT /sandboxes/$id/network {\"allow_internet_access\":true,\"denyOut\":[\"0.0.0.0/0\"],\"allowOut\":[\"1.1.1.1\",\"8.8.8.8\"]}" ]
    run -0 "$E2B" sandbox network show "$id"
    [ "$output" = $'Internet: yes\nAllowed: 1.1.1.1 8.8.8.8\nDenied: 0.0.0.0/0' ]
    run -0 "$E2B" sandbox network allow "$id" --replace
    run -0 "$E2B" sandbox network show "$id"
    [ "${lines[1]}" = "Allowed: nothing" ]
}

@test "wait ends when it is so, and with 124 when it is not" {
    run -0 "$E2B" sandbox wait "$id"
    run -124 "$E2B" sandbox wait "$id" --for paused --timeout 1
    [[ "$output" == *"waited in vain for paused"* ]]
    "$E2B" sandbox wait "$id" --for paused &
    "$E2B" sandbox pause "$id"
    wait $!
    "$E2B" sandbox wait "$id" --for exit &
    "$E2B" sandbox kill "$id"
    wait $!
    run -4 "$E2B" sandbox wait igone
    run -2 "$E2B" sandbox wait "$id" --for sunday
}
