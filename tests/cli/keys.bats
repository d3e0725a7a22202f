# SPDX-License-Identifier: Apache-2.0
# timeout: 120
#
# Keys, secrets, teams and health from the command line, against the local backend.

bats_require_minimum_version 1.5.0

setup_file() {
    unset E2B_API_KEY E2B_API_URL E2B_SANDBOX_URL E2B_DOMAIN E2B_CONTEXT
    timeout 60 "$E2B" health >&2
}

teardown_file() { "$E2B" local stop; }

e2b() { "$E2B" "$@"; }

# A field of JSON on standard input: field [0].id
field() { node -e 'const j = JSON.parse(require("fs").readFileSync(0)); console.log(eval("j" + process.argv[1]))' -- "$1"; }

@test "health says which server answers" {
    run -0 e2b health
    [[ "$output" == "local answers in "* ]]
    E2B_API_KEY=e2b_00 E2B_API_URL=http://127.0.0.1:1 run -7 e2b health
}

@test "team list has the one team, and not its key" {
    run -0 e2b team list
    [[ "${lines[0]}" == "TEAM ID"*"NAME"*"DEFAULT" ]]
    [[ "${lines[1]}" == *"local"*"true" ]]
    run -0 e2b team list --format json
    [ "$(field '[0].name' <<<"$output")" = local ]
    [[ "$output" != *e2b_* ]]
}

@test "a key is made, listed, renamed and deleted" {
    run -0 --separate-stderr e2b key create ci
    [[ "$output" =~ ^e2b_[0-9a-f]{40}$ ]]
    key=$output
    [ "$stderr" = "It is not shown again." ]
    run -0 e2b key ls --format json
    id=$(field '.find((k) => k.name === "ci").id' <<<"$output")
    run -0 e2b key list
    [[ "$output" == *"${key:0:6}...${key: -4}"* ]]
    [[ "$output" != *"$key"* ]]
    url=$(e2b local env | sed -n 's/^export E2B_API_URL=//p')
    E2B_API_KEY=$key E2B_API_URL=$url run -0 e2b team list
    run -0 e2b key rename "$id" builds
    run -0 e2b key list
    [[ "$output" == *builds* ]]
    run -0 e2b key delete "$id"
    [ "$output" = "Key $id has been deleted" ]
    run -4 e2b key delete "$id"
    E2B_API_KEY=$key E2B_API_URL=$url run -3 e2b team list
}

@test "the key of local env is not deleted" {
    run -5 e2b key delete "$(e2b key list --format json | field '[0].id')"
    [[ "$output" == *"local env"* ]]
}

@test "a secret is set from standard input and from a file, and its value never shown" {
    run -0 e2b secret list
    [ "$output" = "No secrets found" ]
    run -0 e2b secret set My-Key --metadata owner=me <<<value-one
    [ "$output" = "Secret My-Key is set, version 1" ]
    echo value-two >"$BATS_TEST_TMPDIR/value"
    run -0 e2b secret set my-key --file "$BATS_TEST_TMPDIR/value"
    [ "$output" = "Secret my-key is set, version 2" ]
    for words in "list" "info my-key" "list --format json" "info my-key --format json"; do
        run -0 e2b secret $words
        [[ "$output" == *my-key* && "$output" == *owner* && "$output" != *value-* ]]
    done
    run -0 e2b secret delete my-key
    run -4 e2b secret info my-key
    run -4 e2b secret delete my-key
}

@test "a secret's value is not taken from the command line, nor what is no text" {
    run -2 e2b secret set name value
    run -1 e2b secret set name </dev/null
    [[ "$output" == *"empty"* ]]
    run -1 e2b secret set name <<<$'\377'
    [[ "$output" == *"no text"* ]]
    run -6 e2b secret set name < <(head -c 70000 /dev/zero | tr '\0' a)
    [[ "$output" == *"more than 65536 bytes"* ]]
    run -1 e2b secret set name --file /does/not/exist
    run -1 e2b secret set 'no name' <<<x
    [[ "$output" == *"Invalid secrets request"* ]]
}
