# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # what tests/bench/run sets
# Rows of tests/bench/run about what becomes of sandboxes, and about the API that is asked for them.

row_create() {
    head_line "Creates and kills without a pause, 4 at a time"
    e2b local start >/dev/null || return 1
    "$bench/load" "$socket" churn 50 4 >/dev/null &&
        "$bench/load" "$socket" churn $((rounds * 20)) 4 >"$work/out" || return 1
    for name in create kill; do line "$name" "$work/out" "$name" create; done
    echo "sustained: $((rounds * 20 * 1000000 / $(field "$work/out" wall 2))) in a second"
    is_root || return 0
    floor "$rounds" | sort -n | awk '{ t[NR] = $1 } END { print "floor", t[int((NR + 1) / 2)] }' >>"$work/out"
    echo "floor, the sandbox and its end, one after the other: $((1000000 / $(field "$work/out" floor 2))) in a second"
}

row_pause() {
    head_line "Pause and resume, memory kept"
    e2b local start >/dev/null || return 1
    "$bench/load" "$socket" pause $((rounds * 10)) 1 >"$work/out" || return 1
    for name in pause resume; do line "$name" "$work/out" "$name" pause; done
    promise "resume: p50 at most 5 ms" "$(field "$work/out" resume 2) <= 5000"
}

# Both make 100 sandboxes as fast as they can; forks also carry what the first one wrote.
row_fork() {
    local creates
    printf '\n%s\n' "100 forks of one sandbox, and 100 creates"
    e2b local start >/dev/null || return 1
    : >"$work/pairs"
    for _ in 1 2 3 4 5; do
        "$bench/load" "$socket" create 100 8 >"$work/more" || return 1
        creates=$(field "$work/more" wall 2)
        "$bench/load" "$socket" kill 1 1 >/dev/null || return 1
        "$bench/load" "$socket" fork 1 1 >"$work/out" || return 1
        echo "$(field "$work/out" fork 2) $creates" >>"$work/pairs"
    done
    awk '{ printf "%d / %d  ", $1 / 1000, $2 / 1000 } END { print "ms" }' "$work/pairs"
    creates=$(awk '{ print $1 / $2 }' "$work/pairs" | sort -n | sed -n 3p)
    echo "median of the ratios: $creates"
    promise "forks take at most twice as long" "$creates <= 2"
}

# Written by a program in the sandbox, and as much by dd beside it, to the disk, round after round.
row_snapshot() {
    local id size mb
    printf '\nSnapshots of a running sandbox\n'
    command -v curl >/dev/null || { echo "  skipped: needs curl"; return 0; }
    e2b local start >/dev/null || return 1
    eval "$(e2b local env)"
    for size in 10 1024; do
        : >"$work/times"
        for _ in 1 2 3; do
            id=$(e2b sandbox create --detach base | tail -n 1) || return 1
            e2b sandbox exec "$id" -- dd if=/dev/urandom of=/home/user/dirty bs=1M count=$size status=none || return 1
            timed snapshot -H "X-API-Key: $E2B_API_KEY" -X POST "$E2B_API_URL/sandboxes/$id/snapshots" >>"$work/times"
            mb=$EPOCHREALTIME
            dd if=/dev/zero of="$E2B_HOME/copy" bs=1M count=$size conv=fsync status=none
            echo "dd $(awk "BEGIN { print int(($EPOCHREALTIME - $mb) * 1e6) }")" >>"$work/times"
            rm "$E2B_HOME/copy"
            e2b sandbox kill "$id" >/dev/null
        done
        echo "$size MB dirty: $(ms "$(median_of snapshot)") ms; dd of as much to the disk: $(ms "$(median_of dd)") ms"
        promise "$size MB: no longer than writing it, or 50 ms" \
            "$(median_of snapshot) <= $(median_of dd) || $(median_of snapshot) <= 50000"
    done
    unset E2B_API_KEY E2B_DOMAIN E2B_API_URL E2B_SANDBOX_URL
}

# Requests a second, of 16 connections kept alive.
wrk_rate() { # url options...
    wrk -t 1 -c 16 -d "${WRK_SECONDS:-2}" "${@:2}" "$1" | awk '
        /Non-2xx/ { bad = 1 } /Requests\/sec/ { rate = int($2) } END { print bad ? 0 : rate }'
}

row_get() {
    local id port hello ratio
    printf '\nGET /sandboxes/{id} over TCP, and the HTTP library alone\n'
    command -v wrk >/dev/null || { echo "  skipped: needs wrk"; return 0; }
    e2b local start >/dev/null || return 1
    eval "$(e2b local env)"
    id=$(e2b sandbox create --detach base | tail -n 1) || return 1
    "$bench/hello" >"$work/port" &
    hello=$!
    until [ -s "$work/port" ]; do sleep 0.05; done
    port=$(cat "$work/port")
    : >"$work/rates"
    for _ in 1 2 3 4 5; do
        echo "$(wrk_rate "http://127.0.0.1:$port/") $(wrk_rate "$E2B_API_URL/sandboxes/$id" -H "X-API-Key: $E2B_API_KEY")" >>"$work/rates"
    done
    kill "$hello"
    awk '{ printf "%d / %d  ", $2, $1 } END { print "in a second" }' "$work/rates"
    ratio=$(awk '{ print $2 / $1 }' "$work/rates" | sort -n | sed -n 3p)
    echo "median of the ratios: $ratio"
    promise "at least half of hello world" "$ratio >= .5"
    unset E2B_API_KEY E2B_DOMAIN E2B_API_URL E2B_SANDBOX_URL
    e2b sandbox kill "$id" >/dev/null
}
