# SPDX-License-Identifier: Apache-2.0
# timeout: 120
#
# Volumes from the command line, against the local backend.

bats_require_minimum_version 1.5.0

setup_file() {
    unset E2B_API_KEY E2B_API_URL E2B_SANDBOX_URL E2B_DOMAIN E2B_CONTEXT E2B_VOLUME_API_URL
    timeout 60 "$E2B" volume create data >&2
}

teardown_file() {
    "$E2B" sandbox kill --all
    "$E2B" local stop
}

setup() { cd "$BATS_TEST_TMPDIR"; }

e2b() { "$E2B" "$@"; }

@test "create, list, info and delete" {
    run -0 e2b volume create other
    [[ "$output" == *"Name: other"* && "$output" != *oken* ]]
    run -0 e2b volume list
    [[ "${lines[0]}" == "VOLUME ID"*"NAME" ]]
    [[ "$output" == *other* ]]
    run -0 e2b volume info other --format json
    [ "$(node -p 'JSON.parse(require("fs").readFileSync(0)).token.length' <<<"$output")" = 64 ]
    run -1 e2b volume create other
    [[ "$output" == *"already exists"* ]]
    run -0 e2b volume delete other
    [ "$output" = "Volume other has been deleted" ]
    run -4 e2b volume delete other
    run -4 e2b volume info other
}

@test "files go in and come out as they were" {
    head -c 3000000 /dev/urandom >big
    run -0 e2b volume cp big data:/big
    run -0 e2b volume cp data:/big back
    cmp big back
    e2b volume cat data /big | cmp - big
    e2b volume cp data:big - | cmp - big
    echo text | e2b volume cp - data:/text
    run -0 e2b volume cat data /text
    [ "$output" = text ]
    : >empty
    run -0 e2b volume cp empty data:/text
    run -0 e2b volume cat data /text
    [ "$output" = "" ]
    run -0 e2b volume ls data
    [[ "$output" == *"file"*"3000000"*"/big"* && "$output" == *"/text"* ]]
    run -0 e2b volume rm data /big
    run -4 e2b volume cat data /big
    run -4 e2b volume rm data /big
}

@test "what is wrong with a copy is said, and leaves what was there" {
    echo mine >file
    run -2 e2b volume cp file other
    run -2 e2b volume cp data:/a data:/b
    run -4 e2b volume cp data:/nope file
    [ "$(cat file)" = mine ]
    [ "$(ls)" = file ]
    run -1 e2b volume cp . data:/x
    run -1 e2b volume cp nope data:/x
    run -4 e2b volume cp file nowhere:/x
    run -4 e2b volume cp file data:/no/dir/x
    run -1 e2b volume cp file data:/
}

@test "a sandbox has it where it was asked for" {
    echo hello >file
    e2b volume cp file data:/greeting
    id=$(e2b sandbox create --detach --volume data=/mnt/data | awk 'NF { id = $NF } END { print id }')
    run -0 e2b sandbox exec "$id" 'cat /mnt/data/greeting; echo bye >/mnt/data/answer'
    [ "$output" = hello ]
    run -0 e2b volume cat data /answer
    [ "$output" = bye ]
    run -5 e2b volume delete data
    [[ "$output" == *"in use by sandbox $id"* ]]
    run -1 e2b sandbox create --detach --volume nope=/x
    [[ "$output" == *"'nope' not found"* ]]
}
