# SPDX-License-Identifier: Apache-2.0
# timeout: 120
#
# Builds where there is little room, and of very many files: all on a small file system of our own.

bats_require_minimum_version 1.5.0
load common

setup() {
    [ "$E2B_LANE" = root ] || skip "not here: only root can mount a small file system"
    unset E2B_API_KEY E2B_API_URL E2B_SANDBOX_URL E2B_DOMAIN E2B_CONTEXT
    small=$BATS_TEST_TMPDIR/small
    mkdir "$small"
    project=$BATS_TEST_TMPDIR/project
    mkdir -p "$project/d"
    export E2B_HOME=$small/e2b
}

teardown() {
    [ "$E2B_LANE" = root ] || return 0
    end_backend
    umount "$small"
}

have_room() { # size
    mount -t tmpfs -o "size=$1" none "$small"
    printf '%s\n' 'FROM e2bdev/base' "${@:2}" >"$project/Dockerfile"
}

has_room_again() { [ "$(df -m --output=avail "$small" | tail -n 1)" -gt 40 ]; }

half_made() { find "$E2B_HOME/uploads" -name '.new-*' | grep -q .; }

@test "what does not fit is told, nothing of it stays, and with room it goes on" {
    have_room 160M 'RUN echo first >/home/user/first' 'COPY d /d' 'RUN cat /home/user/first'
    e2b local start
    head -c 30000000 /dev/urandom >"$project/d/file"

    dd if=/dev/zero of="$small/filler" bs=1M count=$(($(df -m --output=avail "$small" | tail -n 1) - 10)) status=none
    run -6 --separate-stderr e2b template create app -p "$project"
    [[ "$stderr" == *"Failed to upload 'd'"*[Nn]"o space left"* || "$stderr" == *"Failed to upload 'd'"*"disk is full"* ]]
    refute half_made
    [ -z "$(ls "$E2B_HOME/uploads")" ]

    truncate -s -35M "$small/filler"
    run -1 --separate-stderr e2b template create app -p "$project"
    [[ "$stderr" == *"COPY failed: "*@("No space left on device"|"disk is almost full"|"disk is full")* ]]
    [[ "$output" == *"RUN echo first"* ]]

    rm "$small/filler"
    until_true has_room_again
    run -0 e2b template create app -p "$project"
    [[ "$output" == *"Skipping upload of 'd', already cached"*"CACHED [builder 3/"*"[stdout]: first"* ]]
}

@test "a step that fills the disk is ended and told why, however slowly it writes" {
    have_room 120M 'RUN while head -c 8000000 /dev/zero >>/home/user/much; do sleep 0.3; done; sleep 60'
    run -1 --separate-stderr e2b template create app -p "$project"
    [[ "$stderr" == *"disk is almost full"* || "$stderr" == *"disk is full"* ]]
    until_true has_room_again
    printf 'FROM e2bdev/base\nRUN echo fits\n' >"$project/Dockerfile"
    run -0 e2b template create app -p "$project"
    [[ "$output" == *"[stdout]: fits"* ]]
}

@test "a hundred thousand files" {
    have_room 1000M 'COPY d /d' 'RUN find /d -type f | wc -l'
    mkdir -p "$small/many/d"
    cp "$project/Dockerfile" "$small/many"
    node -e 'const fs = require("fs")
        for (let i = 0; i < 100; i++) {
            fs.mkdirSync(`${process.argv[1]}/${i}`)
            for (let k = 0; k < 1000; k++) fs.writeFileSync(`${process.argv[1]}/${i}/${k}`, `${k}`)
        }' "$small/many/d"
    run -0 e2b template create many -p "$small/many"
    [[ "$output" == *"[stdout]: 100000"* ]]
    rm "$small/many/d/50/500"
    run -0 e2b template create many -p "$small/many" --dry-run --progress json
    [[ "$output" == *'"files": 99999'* ]]
}
