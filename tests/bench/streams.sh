# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # what tests/bench/run sets
# The rows "stream" and "slirp" of tests/bench/run, which reads this.

# A Start message as the Connect protocol frames it.
start_message() { # file command-text
    local text length
    text=$(printf '{"process":{"cmd":"/bin/sh","args":["-c","%s"]},"stdin":false}' "$2")
    length=$(printf '%08x' ${#text})
    printf '\0%b%s' "\\x${length:0:2}\\x${length:2:2}\\x${length:4:2}\\x${length:6:2}" "$text" >"$1"
}

row_stream() {
    local id token pid peak began
    printf '\n1 GB of standard output through a stream\n'
    command -v curl >/dev/null || { echo "  skipped: needs curl"; return 0; }
    e2b local start >/dev/null || return 1
    eval "$(e2b local env)"
    id=$(e2b sandbox create --detach base | tail -n 1) || return 1
    token=$(curl -s -H "X-API-Key: $E2B_API_KEY" "$E2B_API_URL/sandboxes/$id" | sed 's/.*"envdAccessToken":"\([^"]*\)".*/\1/')
    start_message "$work/start" 'head -c 1073741824 /dev/zero'
    : >"$work/times"
    for _ in 1 2 3 4 5; do
        timed stream -X POST -H "E2b-Sandbox-Id: $id" -H 'E2b-Sandbox-Port: 49983' -H "X-Access-Token: $token" \
            -H 'Content-Type: application/connect+json' -H 'Connect-Protocol-Version: 1' \
            --data-binary "@$work/start" "$E2B_API_URL/process.Process/Start" >>"$work/times"
        began=$EPOCHREALTIME
        head -c 1073741824 /dev/zero | cat | base64 -w0 >/dev/null
        echo "base64 $(awk "BEGIN { print int(($EPOCHREALTIME - $began) * 1e6) }")" >>"$work/times"
    done
    speed_line "stdout of a command, by the API" stream
    speed_line "  cat | base64 -w0" base64
    promise "at least a third of cat | base64 -w0" "$(median_of stream) <= 3 * $(median_of base64)"
    pid=$(e2b local status --format json | grep -o '"pid": *[0-9]*' | tr -dc 0-9)
    peak=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status")
    promise "the backend never held more than 32 MB (it was $((peak / 1024)))" "$peak <= 32768"
    unset E2B_API_KEY E2B_DOMAIN E2B_API_URL E2B_SANDBOX_URL
    e2b sandbox kill "$id" >/dev/null
}

# As an ordinary user, who gets a /dev/net/tun as udev makes it.
row_slirp() {
    local count=100 before after each home=$work/user
    printf '\n%s sandboxes with slirp4netns\n' "$count"
    is_root && command -v slirp4netns >/dev/null || { echo "  skipped: needs root and slirp4netns"; return 0; }
    mkdir -p "$home/programs"
    cp "$build/e2b" "$build/e2bd" "$build/e2b-agent" "$bench/load" "$home/programs/"
    chmod 755 "$work" "$home/programs" "$home/programs/"*
    chown nobody "$home"
    unshare --mount --propagation private sh -c '
        mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200
        exec setpriv --reuid nobody --regid nogroup --clear-groups env HOME="$1" E2B_HOME="$1/e2b" sh -ec "
            \"$1/programs/e2b\" local start >/dev/null
            \"$1/programs/load\" \"$1/e2b/run/e2b.sock\" cycle 20 1 >/dev/null
            awk \"/^MemAvailable/ { print \\\$2 }\" /proc/meminfo
            \"$1/programs/load\" \"$1/e2b/run/e2b.sock\" create $2 4 >/dev/null
            \"$1/programs/load\" \"$1/e2b/run/e2b.sock\" exec 1 1 >/dev/null
            pgrep -c -x slirp4netns >&2
            awk \"/^MemAvailable/ { print \\\$2 }\" /proc/meminfo
            \"$1/programs/load\" \"$1/e2b/run/e2b.sock\" kill 1 1 >/dev/null
            \"$1/programs/e2b\" local stop >/dev/null"' sh "$home" "$count" >"$work/available" 2>"$work/programs" || return 1
    echo "slirp4netns processes: $(cat "$work/programs")"
    before=$(sed -n 1p "$work/available") after=$(sed -n 2p "$work/available")
    each=$(((before - after) / count))
    echo "growth of memory in use: $each KiB each"
    promise "at most 2 MiB each" "$each <= 2048 && $(tail -n 1 "$work/programs") >= $count"
}
