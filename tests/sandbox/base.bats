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

# Of what an ordinary user's sandboxes own, rm leaves much.
@test "one that was removed in part is made anew" {
    e2b sandbox run -- true </dev/null
    e2b local stop
    rm -rf "$E2B_HOME"/base/* 2>/dev/null || true
    [ "$(e2b sandbox run -- echo whole </dev/null)" = whole ]
    [ "$(ls "$E2B_HOME/base" | wc -l)" = 1 ]
}

@test "an older one serves while the current one is made, and goes when no sandbox is made of it" {
    e2b sandbox run -- true </dev/null
    e2b local stop
    current=$(ls "$E2B_HOME/base")
    older=${current%-*}-0123456789abcdef
    mv "$E2B_HOME/base/$current" "$E2B_HOME/base/$older"
    id=$(new_sandbox)
    until_true test -d "$E2B_HOME/base/$current"
    until_true grep -q 'made anew; new' "$E2B_HOME"/*.log
    [ "$(e2b sandbox run -- echo new </dev/null)" = new ]
    [ "$(e2b sandbox exec "$id" -- cat /etc/hostname </dev/null)" = "$id" ]
    e2b local stop
    e2b sandbox exec "$id" -- ls /usr/bin/env </dev/null
    [ -d "$E2B_HOME/base/$older" ]
    e2b sandbox kill "$id"
    until_true test ! -e "$E2B_HOME/base/$older"
}

@test "without room for it the reason is told, and nothing half-made stays" {
    small_disk 8m
    run e2b sandbox run -- true </dev/null
    [ "$status" != 0 ]
    [[ "$output" == *"No space left on device"* ]]
    [ -z "$(ls "$E2B_HOME/base" | grep -v '^\.new')" ]
}

@test "without room for an archive it is told where room is needed" {
    local state=$E2B_HOME
    small_disk 2m
    export E2B_HOME=$state TMPDIR=$BATS_TEST_TMPDIR/small
    mkdir "$BATS_TEST_TMPDIR/project"
    printf 'FROM base\nCOPY big /big\n' >"$BATS_TEST_TMPDIR/project/Dockerfile"
    head -c 4m /dev/urandom >"$BATS_TEST_TMPDIR/project/big"
    run -6 e2b template create big --path "$BATS_TEST_TMPDIR/project"
    [[ "$output" == *"No space left on device"*"free some space in $TMPDIR, or set TMPDIR"* ]]
}

@test "whoever fills the disk is frozen before it is full, told why, and thawed when there is room" {
    small_disk 400m
    id=$(new_sandbox)
    fallocate -l 100m "$BATS_TEST_TMPDIR/small/ballast"
    e2b sandbox exec "$id" -- sh -c 'echo listening; exec sleep 300' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/told" </dev/null &
    local listener=$!
    until_true grep -q listening "$BATS_TEST_TMPDIR/out"
    e2b sandbox exec "$id" 'fallocate -l 100M big' </dev/null
    e2b sandbox exec --background "$id" -- sh -c 'while ! [ -e stop ] && dd if=/dev/zero bs=64k count=16 status=none >>fill; do sleep 0.05; done' 2>/dev/null
    until_true grep -q 'wrote most is frozen' "$E2B_HOME"/*.log
    refute wait $listener
    grep -q 'almost full' "$BATS_TEST_TMPDIR/told"
    run timeout 60 "$E2B" sandbox exec "$id" -- true </dev/null
    [ "$status" != 0 ]
    [ "$status" != 124 ]
    [[ "$output" == *"frozen"*"almost full"*"e2b sandbox kill $id"* ]]
    [[ "$(e2b sandbox info "$id")" == *"Stands still: "*"almost full"* ]]
    [ "$(e2b sandbox run -- echo well </dev/null)" = well ]
    rm "$BATS_TEST_TMPDIR/small/ballast"
    until_true timeout 10 "$E2B" sandbox exec "$id" -- touch stop </dev/null
    refute grep -q "Stands still" <(e2b sandbox info "$id")
    e2b sandbox kill "$id"
}

@test "info tells every limit and what keeps it" {
    id=$(new_sandbox)
    e2b sandbox info "$id" >"$BATS_TEST_TMPDIR/info"
    for limit in memory processes files disk cpu; do
        grep -Eq "^  $limit: ([1-9][0-9]* [a-zA-Z ]+, by .+|unlimited: .+)" "$BATS_TEST_TMPDIR/info"
    done
    grep -q "^  files: 4096 open files, by RLIMIT_NOFILE" "$BATS_TEST_TMPDIR/info"
    e2b local status | grep -q "^  files: RLIMIT_NOFILE"
    e2b sandbox kill "$id"
}

@test "python means python3, as in the hosted service's base" {
    [ -x /usr/bin/python3 ] || skip "not here: the host has no python3"
    [[ "$(e2b sandbox run -- python --version </dev/null)" == "Python 3."* ]]
}
