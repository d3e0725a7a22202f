# SPDX-License-Identifier: Apache-2.0
#
# Making the base template: interrupted, and without room. timeout: 200

load common

teardown() {
    end_backend
    if [ -d "$BATS_TEST_TMPDIR/small" ]; then until_true umount "$BATS_TEST_TMPDIR/small"; fi # what lived in it is just ending
}

small_disk() { # size
    [ "$E2B_LANE" = root ] || skip "not here: only root can mount a small file system"
    mkdir "$BATS_TEST_TMPDIR/small"
    mount -t tmpfs -o "size=$1" none "$BATS_TEST_TMPDIR/small"
    export E2B_HOME=$BATS_TEST_TMPDIR/small/e2b
}

half_made() { ls -d "$E2B_HOME"/base/.new-* 2>/dev/null; }

@test "killed while it is made, it is made anew and nothing half-made stays" {
    export E2B_HOME=$TMPDIR/fresh
    "$(dirname "$E2B")/e2bd" >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
    local backend=$!
    until_true half_made
    kill -KILL $backend
    wait $backend || true
    half_made
    [ "$(e2b sandbox run -- echo whole </dev/null)" = whole ]
    refute half_made
    [ "$(ls "$E2B_HOME/base" | wc -l)" = 1 ]
}

@test "made once, it is used again" {
    e2b sandbox run -- true </dev/null
    ls -i "$E2B_HOME/base" >"$BATS_TEST_TMPDIR/before"
    e2b local stop
    e2b sandbox run -- true </dev/null
    [ "$(ls -i "$E2B_HOME/base")" = "$(cat "$BATS_TEST_TMPDIR/before")" ]
}

@test "without room for it the reason is told, and nothing half-made stays" {
    small_disk 8m
    run e2b sandbox run -- true </dev/null
    [ "$status" != 0 ]
    [[ "$output" == *"No space left on device"* ]]
    [ -z "$(ls "$E2B_HOME/base" | grep -v '^\.new')" ]
}

@test "whoever fills the disk is frozen before it is full, and others live" {
    small_disk 400m
    id=$(new_sandbox)
    e2b sandbox exec "$id" 'fallocate -l 200M big' </dev/null
    e2b sandbox exec --background "$id" -- sh -c 'while dd if=/dev/zero bs=64k count=16 status=none >>fill; do sleep 0.05; done' 2>/dev/null
    until_true grep -q 'wrote most is frozen' "$E2B_HOME"/*.log
    [ "$(e2b sandbox run -- echo well </dev/null)" = well ]
    e2b sandbox kill "$id"
}

@test "python means python3, as in the hosted service's base" {
    [ -x /usr/bin/python3 ] || skip "not here: the host has no python3"
    [[ "$(e2b sandbox run -- python --version </dev/null)" == "Python 3."* ]]
}
