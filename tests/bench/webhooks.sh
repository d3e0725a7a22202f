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

# A receiver that sums up each COUNT requests; its port, once it listens.
start_receiver() { # count
    : >"$work/received"
    "$bench/post" receive "$1" >"$work/received" &
    receiver=$!
    until [ -s "$work/received" ]; do sleep 0.05; done
    port=$(head -n 1 "$work/received")
}

stop_receiver() { kill "$receiver" && wait "$receiver" 2>/dev/null; }

# The time that round NUMBER took it.
received_us() { # number
    until [ "$(wc -l <"$work/received")" -gt "$1" ]; do sleep 0.05; done
    sed -n "$(($1 + 1))s/received //p" "$work/received"
}

add_webhooks() { # count
    local i
    for ((i = 0; i < $1; i++)); do
        e2b webhook add "http://127.0.0.1:$port/hook" --name bench >/dev/null || return 1
    done
}

remove_webhooks() { e2b webhook list --format json | jq -r '.[].id' | xargs -r "$build/e2b" webhook remove >/dev/null; }

# Events are written past the backend, which finds them when it writes one itself. Its sender gives
# way to whatever else there is to do, and so the peer has to.
row_webhooks() {
    local events=${WEBHOOK_EVENTS:-3000} webhooks=10 total round ratio
    total=$((events * webhooks))
    printf '\n%s\n' "Webhooks: $events events to $webhooks of them, and as many posts by libcurl multi, 64 at once"
    e2b local start >/dev/null || return 1
    start_receiver $total
    add_webhooks $webhooks || return 1
    : >"$work/rates"
    for round in 1 2 3 4 5 6 7 8 9; do
        nice -n 5 "$bench/post" send "http://127.0.0.1:$port/hook" $total 64 >/dev/null || return 1
        "$bench/events" "$E2B_HOME/state.db" fill $((events - 1)) >/dev/null || return 1
        e2b webhook trigger created >/dev/null || return 1
        echo "$(received_us $((2 * round - 1))) $(received_us $((2 * round)))" >>"$work/rates"
    done
    remove_webhooks
    stop_receiver
    awk -v total=$total '{ printf "%d / %d  ", total * 1e6 / $2, total * 1e6 / $1 } END { print "deliveries / posts in a second" }' "$work/rates"
    ratio=$(awk '{ print $1 / $2 }' "$work/rates" | sort -n | sed -n 5p)
    echo "median of the ratios: $ratio"
    promise "at least 70 % of direct posting" "$ratio >= .7"
}

# Rounds without and with subscribers in turn, so that whatever else the machine does meets both.
row_subscribed() {
    local each=${SUBSCRIBED_CREATES:-60} ratio
    printf '\n%s\n' "Creates, a command and a kill behind each, without and with 100 webhooks that want to know"
    e2b local start >/dev/null || return 1
    start_receiver 0
    "$bench/load" "$socket" cycle 20 1 >/dev/null || return 1
    : >"$work/pairs"
    for _ in 1 2 3 4 5 6 7 8 9 10 11; do
        "$bench/load" "$socket" cycle "$each" 1 >"$work/without" || return 1
        add_webhooks 100 || return 1
        "$bench/load" "$socket" cycle "$each" 1 >"$work/with" || return 1
        remove_webhooks
        echo "$(field "$work/without" create 2) $(field "$work/with" create 2)" >>"$work/pairs"
    done
    stop_receiver
    awk '{ printf "%.2f / %.2f  ", $1 / 1000, $2 / 1000 } END { print "ms, p50 of a create without / with" }' "$work/pairs"
    ratio=$(awk '{ print $2 / $1 }' "$work/pairs" | sort -n | sed -n 6p)
    echo "median of the ratios: $ratio"
    promise "no more than 10 % apart" "$ratio <= 1.1"
}
