# SPDX-License-Identifier: Apache-2.0
#
# The commands below `e2b webhook` and `e2b event`, with a receiver of the command line's own.

load common
bats_require_minimum_version 1.5.0

teardown_file() { end_backend; }

teardown() {
    [ -z "${listener:-}" ] || kill -INT "$listener" 2>/dev/null || true
    [ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
}

field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1; }
said() { grep -q "$1" "$BATS_TEST_TMPDIR/said"; }

# Somebody has a connection to this port of 127.0.0.1.
connected() { awk -v to="0100007F:$(printf %04X "$1")" '$3 == to && $4 == "01" { found = 1 } END { exit !found }' /proc/net/tcp; }

start_listener() { # options...
    "$E2B" webhook listen "$@" >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
    listener=$!
    until_true said '127.0.0.1\|"ready"'
}

stop_listener() {
    kill -INT "$listener"
    wait "$listener"
    listener=
}

@test "listen registers, prints what arrives, and unregisters" {
    start_listener --events killed
    [ "$(e2b webhook list --format json | grep -c '"id"')" = 1 ]
    e2b webhook trigger created
    e2b webhook trigger killed --sandbox itestingtestingtest12
    until_true said 'killed  itestingtestingtest12'
    refute said 'created  '
    refute said 'NOT valid'
    stop_listener
    [ "$(e2b webhook list)" = "No webhooks found" ]
}

@test "listen keeps its secret, in a file that only its owner reads" {
    start_listener --format json
    first=$(field signatureSecret <"$BATS_TEST_TMPDIR/said")
    stop_listener
    start_listener --format json
    [ "$(field signatureSecret <"$BATS_TEST_TMPDIR/said")" = "$first" ]
    [ "$(stat -c %a "$E2B_HOME/webhook-listen-secret")" = 600 ]
    e2b webhook trigger paused
    until_true said '"signatureValid":true'
    stop_listener
}

@test "listen hands on and answers as the program behind it does" {
    cat >"$BATS_TEST_TMPDIR/server.mjs" <<'JS'
import http from 'node:http'
let count = 0
const server = http.createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    const signed = /^[A-Za-z0-9+/]{43}$/.test(request.headers['e2b-signature'])
    response.writeHead(!signed ? 418 : count++ ? 204 : 503).end()
  })
}).listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
    node "$BATS_TEST_TMPDIR/server.mjs" >"$BATS_TEST_TMPDIR/port" 3>&- &
    server=$!
    until_true test -s "$BATS_TEST_TMPDIR/port"
    start_listener --forward-to "http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")/hook" --events resumed
    e2b webhook trigger resumed
    until_true said 'answered 503'
    id=$(e2b webhook list --format json | field id)
    event=$(e2b event list --events resumed --format json | field id)
    failed() { e2b webhook deliveries "$id" --status failed | grep -q ' 503 '; }
    until_true failed
    e2b webhook resend "$id" "$event"
    until_true said 'answered 204'
    e2b webhook stats "$id" --format json | grep -q '"failed": 1'
    e2b webhook deliveries "$id" --format json | grep -q "\"eventId\": \"$event\""
    stop_listener
}

@test "listen ends at once, also while what it hands on gets no answer" {
    node -e 'require("net").createServer(() => {}).listen(0, "127.0.0.1", function () { console.log(this.address().port) })' \
        >"$BATS_TEST_TMPDIR/port" 3>&- &
    server=$!
    until_true test -s "$BATS_TEST_TMPDIR/port"
    start_listener --forward-to "http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")/hook" --events resumed
    e2b webhook trigger resumed
    until_true connected "$(cat "$BATS_TEST_TMPDIR/port")"
    began=$SECONDS
    stop_listener
    [ $((SECONDS - began)) -le 8 ]
    said interrupted
    [ "$(e2b webhook list)" = "No webhooks found" ]
    run -2 e2b webhook listen --forward-to localhost:3000
}

@test "a listener that was killed is cleared away by the next" {
    start_listener
    kill -KILL "$listener"
    wait "$listener" || true
    [ "$(e2b webhook list --format json | grep -c '"id"')" = 1 ]
    start_listener
    [ "$(e2b webhook list --format json | grep -c '"id"')" = 1 ]
    stop_listener
}

@test "add, info, update and remove" {
    made=$(e2b webhook add http://127.0.0.1:9/hook -n first -e created,killed --disabled --format json)
    id=$(field id <<<"$made")
    [[ $(field signatureSecret <<<"$made") == whsec_* ]]
    e2b webhook info "$id" | grep -q '^Enabled: false$'
    e2b webhook list | grep -q 'disabled .* created, killed$'
    refute grep -q whsec_ <<<"$(e2b webhook info "$id" --format json)"
    printf 'a secret of mine\n' | e2b webhook update "$id" --secret-file - --name second --enabled
    e2b webhook info "$id" --format json | grep -q '"name": "second"'
    run -2 e2b webhook update "$id"
    run -1 e2b webhook add ftp://example.com/
    run -2 e2b webhook add http://127.0.0.1:9/hook -e born
    [[ $output == *"the types are"* ]]
    e2b webhook delete "$id"
    run -4 e2b webhook remove "$id"
    run -4 e2b webhook info "$id"
}

@test "verify says what node's crypto says" {
    printf 'secret' >"$BATS_TEST_TMPDIR/secret"
    for body in '' 'x' '{"id":"ä€😀"}' "$(head -c 100000 /dev/zero | tr '\0' z)"; do
        printf '%s' "$body" >"$BATS_TEST_TMPDIR/body"
        signature=$(node -e '
            const text = require("fs").readFileSync(process.argv[1])
            console.log(require("crypto").createHash("sha256").update("secret").update(text).digest("base64").replace(/=+$/, ""))
        ' "$BATS_TEST_TMPDIR/body")
        e2b webhook verify --secret-file "$BATS_TEST_TMPDIR/secret" --signature "$signature" <"$BATS_TEST_TMPDIR/body"
        run -1 e2b webhook verify --secret-file "$BATS_TEST_TMPDIR/secret" --signature "x$signature" <"$BATS_TEST_TMPDIR/body"
    done
    run -2 e2b webhook verify --signature x </dev/null
    run -2 e2b webhook verify --secret-file "$BATS_TEST_TMPDIR/none" --signature x </dev/null
    [[ "$output" == *"none"* ]]
}

@test "event list and tail: filters, order, one sandbox" {
    for type in created updated killed; do e2b webhook trigger "$type" --sandbox ionesandboxonesandbo1; done
    e2b webhook trigger created
    [ "$(e2b event list ionesandboxonesandbo1 | awk '{ print $2 }' | tr '\n' ' ')" = "created updated killed " ]
    [ "$(e2b event list ionesandboxonesandbo1 --events created,killed | wc -l)" = 2 ]
    [ "$(e2b event list --limit 1 | awk '{ print $2 }')" = created ]
    [ "$(e2b event list --since 2999-01-01)" = "No events found" ]
    [ "$(e2b event tail ionesandboxonesandbo1 --no-follow --lines 2 --format json | wc -l)" = 2 ]
    "$E2B" event tail ionesandboxonesandbo1 -n 1 >"$BATS_TEST_TMPDIR/said" 3>&- &
    server=$!
    until_true said 'killed  ionesandboxonesandbo1'
    e2b webhook trigger paused --sandbox ionesandboxonesandbo1
    until_true said 'paused  ionesandboxonesandbo1'
    [ "$(wc -l <"$BATS_TEST_TMPDIR/said")" = 2 ]
    run -2 e2b event list --since yesterday
    timeout 60 "$E2B" event tail -n 1 | head -n 1 | grep -q paused # and it does not wait for one more
}
