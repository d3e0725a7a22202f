# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # what tests/bench/run sets
# The row "files" of tests/bench/run, which reads this: one file of 1 GB in and out of a sandbox
# against nginx, 10,000 small ones against cp -r, and what the backend needs for it.

small_count=${SMALL:-10000}

# curl's own clock, in microseconds: "name time", as the other programs print it.
timed() { # name curl-arguments...
    local name=$1
    shift
    printf '%s %s\n' "$name" "$(curl -s -S -f -o /dev/null -w '%{time_total}' "$@" | awk '{ print int($1 * 1e6) }')"
}

median_of() { # name
    awk -v name="$1" '$1 == name { print $2 }' "$work/times" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

speed_line() { # label name
    printf '%-46s %9s GB/s\n' "$1" "$(awk "BEGIN { printf \"%.2f\", 1073.741824 / ($(median_of "$2") / 1000) }")"
}

start_nginx() {
    mkdir -p "$work/www/put" "$work/nginx"
    chmod 755 "$work" "$work/www"
    chmod 777 "$work/www/put" "$work/nginx"
    truncate -s 1G "$work/www/big"
    cat >"$work/nginx.conf" <<CONF
daemon on; worker_processes 1; pid $work/nginx.pid; error_log $work/nginx.log;
events { }
http {
    access_log off; sendfile on; client_max_body_size 0; client_body_temp_path $work/www/put;
    server { listen 127.0.0.1:$nginx_port; root $work/www;
             location /put/ { dav_methods PUT; client_body_in_file_only off; } }
}
CONF
    nginx -c "$work/nginx.conf" 2>/dev/null
}

row_files() {
    local id token nginx_port=$((20000 + RANDOM % 10000)) with_nginx=no headers url way pid peak
    printf '\nFiles of a sandbox\n'
    command -v curl >/dev/null && command -v node >/dev/null || { echo "  skipped: needs curl and node"; return 0; }
    e2b local start >/dev/null || return 1
    eval "$(e2b local env)"
    id=$(e2b sandbox create --detach base | tail -n 1) || return 1
    token=$(curl -s -H "X-API-Key: $E2B_API_KEY" "$E2B_API_URL/sandboxes/$id" | sed 's/.*"envdAccessToken":"\([^"]*\)".*/\1/')
    headers=(-H "E2b-Sandbox-Id: $id" -H 'E2b-Sandbox-Port: 49983' -H "X-Access-Token: $token")
    url="$E2B_API_URL/files?path=big"
    truncate -s 1G "$work/big"
    if command -v nginx >/dev/null && start_nginx; then with_nginx=yes; fi
    : >"$work/times"
    for _ in 1 2 3 4 5; do
        timed up "${headers[@]}" -X POST -H 'Content-Type: application/octet-stream' -H 'Expect:' -T "$work/big" "$url" >>"$work/times"
        [ $with_nginx = no ] || timed nginx-up -H 'Expect:' -T "$work/big" "http://127.0.0.1:$nginx_port/put/big" >>"$work/times"
        timed down "${headers[@]}" "$url" >>"$work/times"
        [ $with_nginx = no ] || timed nginx-down "http://127.0.0.1:$nginx_port/big" >>"$work/times"
    done
    speed_line "1 GB in" up
    [ $with_nginx = no ] || speed_line "  nginx (PUT)" nginx-up
    speed_line "1 GB out" down
    [ $with_nginx = no ] || speed_line "  nginx (sendfile)" nginx-down
    if [ $with_nginx = yes ]; then
        kill "$(cat "$work/nginx.pid")"
        for way in up down; do
            promise "1 GB $way: 1 GB/s, or half of nginx" \
                "$(median_of $way) <= 1073742 || $(median_of $way) <= 2 * $(median_of nginx-$way)"
        done
    fi
    node "$source/tests/bench/small_files.mjs" "$E2B_API_URL" "$id" "$token" "$small_count" "$work/small" || return 1
    pid=$(e2b local status --format json | grep -o '"pid": *[0-9]*' | tr -dc 0-9)
    peak=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status")
    promise "the backend never held more than 32 MB (it was $((peak / 1024)))" "$peak <= 32768"
    unset E2B_API_KEY E2B_DOMAIN E2B_API_URL E2B_SANDBOX_URL
    e2b sandbox kill "$id" >/dev/null
}
