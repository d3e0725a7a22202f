# SPDX-License-Identifier: Apache-2.0
#
# Rows of tests/bench/run: events and webhooks.

us_of() { awk -v name="$1" '$1 == name { print $2 }' "$2"; }

row_events() {
    printf '\n%s\n' "Events (in a state file of their own; microseconds)"
    local state=$work/events.db many=${EVENTS:-1000000}
    "$bench/events" "$state" write 20000 >"$work/out" || return 1
    local each first last
    each=$(us_of write "$work/out")
    echo "written, a transaction each: $each, $((1000000 / (each ? each : 1))) in a second"
    "$bench/events" "$state" fill $((many - 20000)) >/dev/null || return 1
    "$bench/events" "$state" page 0 >"$work/out" || return 1
    first=$(us_of page "$work/out")
    "$bench/events" "$state" page $((many - 100)) >"$work/out" || return 1
    last=$(us_of page "$work/out")
    echo "of $many: first page of 100: $first, page $((many / 100)): $last"
    promise "the last page within 5 times the first, and 5 ms" "$last <= 5 * $first || $last <= 5000"
    rm -f "$state"*
}

# The receiver's port, once it listens.
start_receiver() { # count
    rm -f "$work/received"
    "$bench/post" receive "$1" >"$work/received" &
    receiver=$!
    until [ -s "$work/received" ]; do sleep 0.05; done
    port=$(head -n 1 "$work/received")
}

add_webhooks() { # count
    local i
    for ((i = 0; i < $1; i++)); do
        e2b webhook add "http://127.0.0.1:$port/hook" --name bench >/dev/null || return 1
    done
}

remove_webhooks() { e2b webhook list --format json | jq -r '.[].id' | xargs -r "$build/e2b" webhook remove >/dev/null; }

# What was written while no daemon ran is delivered as fast as it can be.
deliveries_us() { # events webhooks
    e2b local start >/dev/null || return 1
    start_receiver $(($1 * $2))
    add_webhooks "$2" || return 1
    e2b local stop >/dev/null
    "$bench/events" "$E2B_HOME/state.db" fill "$1" >/dev/null || return 1
    e2b local start >/dev/null
    wait "$receiver"
    remove_webhooks
    awk '$1 == "received" { print $2 }' "$work/received"
}

row_webhooks() {
    printf '\n%s\n' "Webhooks"
    local events=2000 webhooks=10 total direct ours
    total=$((events * webhooks))
    start_receiver $total
    "$bench/post" send "http://127.0.0.1:$port/hook" $total 64 >/dev/null || return 1
    wait "$receiver"
    direct=$(awk '$1 == "received" { print $2 }' "$work/received")
    ours=$(deliveries_us $events $webhooks)
    [ -n "$ours" ] || return 1
    echo "posted by libcurl multi, 64 at once: $((total * 1000000 / direct)) in a second"
    echo "$events events to $webhooks webhooks: $((total * 1000000 / ours)) deliveries in a second"
    promise "at least 70 % of direct posting" "$direct >= .7 * $ours"

    e2b local start >/dev/null || return 1
    "$bench/load" "$socket" cycle 20 1 >/dev/null
    "$bench/load" "$socket" cycle "$((rounds * 3))" 1 >"$work/without" || return 1
    start_receiver 0
    add_webhooks 100 || return 1
    "$bench/load" "$socket" cycle "$((rounds * 3))" 1 >"$work/with" || return 1
    remove_webhooks
    kill "$receiver"
    head_line "create"
    line "without webhooks" "$work/without" create
    sed 's/^create /with /' "$work/with" >>"$work/without"
    line "with 100 webhooks" "$work/without" with create
    promise "no more than 10 % apart" \
        "$(field "$work/without" with 2) <= 1.1 * $(field "$work/without" create 2)"
}
