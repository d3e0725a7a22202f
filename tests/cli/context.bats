# SPDX-License-Identifier: Apache-2.0
#
# Which server a command speaks to, seen from outside: exit statuses and the text of what fails.

bats_require_minimum_version 1.5.0

setup() {
    export HOME=$BATS_TEST_TMPDIR/home E2B_HOME=$BATS_TEST_TMPDIR/e2b
    mkdir -p "$HOME/.e2b"
    nobody=http://127.0.0.1:1 # tcpmux: nothing listens there
}

@test "a context that does not exist" {
    run -4 --separate-stderr "$E2B" sandbox list --context moon
    [ "$output" = "" ]
    [ "$stderr" = "error: there is no context 'moon'
hint: the contexts are local and cloud" ]
    E2B_CONTEXT=moon run -4 "$E2B" sandbox list
    E2B_CONTEXT=cloud run -4 "$E2B" sandbox list --context=moon
}

@test "the cloud without a key, as JSON too" {
    run -3 --separate-stderr "$E2B" sandbox list --context cloud --format json
    [ "$(jq -r .code <<<"$stderr")" = unauthenticated ]
    [[ "$(jq -r .hint <<<"$stderr")" == *E2B_API_KEY* ]]
    E2B_CONTEXT=cloud run -3 "$E2B" sandbox list
}

@test "a key in the environment or in a login leads to the server" {
    E2B_API_KEY=e2b_1 E2B_API_URL=$nobody run -7 "$E2B" sandbox list
    [[ "$output" == *127.0.0.1* ]]
    printf '{"version":2,"projectApiKey":"e2b_1"}' >"$HOME/.e2b/config.json"
    E2B_API_URL=$nobody run -7 "$E2B" sandbox list
    [[ "$output" == *127.0.0.1* ]]
}

@test "a key that could carry a header is refused and not repeated" {
    E2B_API_KEY=$'e2b_1\r\nX-Evil: 1' run -1 "$E2B" sandbox list
    [[ "$output" == "error: the API key holds characters that no key can have"* ]]
}

@test "a broken login breaks nothing" {
    for config in '{bad' '' '[]' '{"version":9}'; do
        printf '%s' "$config" >"$HOME/.e2b/config.json"
        run -0 --separate-stderr "$E2B" --version
        [ "$stderr" = "" ]
        run -3 --separate-stderr "$E2B" sandbox list --context cloud
        [[ "$stderr" == "warning: "*$'\n'"error: no API key"* ]]
        run -3 --separate-stderr "$E2B" sandbox list --context cloud -f json
        [ "$(jq -r .code <<<"$stderr")" = unauthenticated ]
    done
}

@test "commands that speak to no server have no context" {
    run -2 "$E2B" help --context local
    [[ "$output" == "error: unknown option '--context'"* ]]
    run -2 "$E2B" local status --context cloud
    [[ "$output" == "error: unknown option '--context'"* ]]
}

@test "nothing is created by help, version, completion and mistakes" {
    "$E2B" --version >/dev/null
    "$E2B" help sandbox >/dev/null
    "$E2B" complete -- sandbox info ""
    run -2 "$E2B" sandbox list --nonsense
    [ ! -e "$E2B_HOME" ]
    [ -z "$(ls "$HOME/.e2b")" ]
}
