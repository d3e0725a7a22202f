# SPDX-License-Identifier: Apache-2.0
#
# The test runner itself: what it must not let pass.

keeper() { "$E2B_BUILD/tests/keeper" "$@"; }

# The sums that tests/run would make of TAP lines: "passed failed skipped".
sums() { # tap status must_work
    printf '%b' "$1" | awk -v name=x -v status="$2" -v must_work="$3" \
        -v counts="$BATS_TEST_TMPDIR/counts" -f "$E2B_SOURCE/tests/tap.awk" >"$BATS_TEST_TMPDIR/said"
    cat "$BATS_TEST_TMPDIR/counts"
}

@test "the exit status of a test program is kept" {
    run keeper 20 sh -c 'exit 7'
    [ "$status" = 7 ]
    [ "$output" = "" ]
    run keeper 20 sh -c 'kill -9 $$'
    [ "$status" = 137 ]
}

@test "a program that does not end is ended and reported" {
    run keeper 1 sleep 600
    [ "$status" = 124 ]
    [ "$output" = "not ok - ends within 1 seconds" ]
}

@test "a process that left its session is found, named and killed" {
    run keeper 20 sh -c 'setsid sh -c "echo \$\$ >pid; exec sleep 600" >/dev/null 2>&1 & while [ ! -s pid ]; do :; done'
    [ "$status" = 0 ]
    [[ "$output" == "not ok - leaves no process behind: "*" sleep 600"* ]]
    run kill -0 "$(cat pid)"
    [ "$status" != 0 ]
}

@test "results are counted, nested ones by their leaves" {
    [ "$(sums '1..2\nok 1 a\nnot ok 2 b\n' 1 0)" = "1 1 0" ]
    [ "$(sums '    ok 1 - a\n    not ok 2 - b\nnot ok 1 - both\n1..1\n' 1 0)" = "1 1 0" ]
}

@test "an early end, a bad status and silence are failures" {
    [ "$(sums '1..2\nok 1 a\n' 0 0)" = "1 1 0" ]
    [ "$(sums '1..1\nok 1 a\n' 3 0)" = "1 1 0" ]
    [ "$(sums '' 0 0)" = "0 1 0" ]
}

@test "a skip says why, and fails where everything must work" {
    [ "$(sums 'ok 1 a # skip no tun\n1..1\n' 0 0)" = "0 0 1" ]
    grep -q "skipped x: a: no tun" "$BATS_TEST_TMPDIR/said"
    [ "$(sums 'ok 1 a # skip no tun\n1..1\n' 0 1)" = "0 1 0" ]
    [ "$(sums 'ok 1 a # skip not here: root only\n1..1\n' 0 1)" = "0 0 1" ]
}

# A tree of its own, with one test that fails until it has been run $1 times.
unsteady() {
    mkdir -p tree/tests/cli tree/tests/fuzz/corpus
    cp "$E2B_SOURCE/tests/run" "$E2B_SOURCE/tests/tap.awk" tree/tests/
    cat >tree/tests/cli/unsteady.test.mjs <<END
import { appendFileSync, statSync } from 'node:fs'
import test from 'node:test'
appendFileSync('$PWD/runs', '.')
test('unsteady', () => { if (statSync('$PWD/runs').size < $1) throw new Error('unsteady') })
END
}

@test "a file that failed fails, unless it may be run again and passes then" {
    unsteady 2
    MAKELEVEL=1 run tree/tests/run cli/unsteady
    [ "$status" = 1 ]
    [ "${lines[-1]}" = "0 passed, 1 failed" ]
    rm runs
    MAKELEVEL=1 AGAIN=1 run tree/tests/run cli/unsteady
    [ "$status" = 0 ]
    [[ "$output" == *"FAILED  cli/unsteady"*"again   cli/unsteady"* ]]
    [ "${lines[-1]}" = "1 passed, 0 failed" ]
    rm runs
    unsteady 3
    MAKELEVEL=1 AGAIN=1 run tree/tests/run cli/unsteady
    [ "$status" = 1 ]
    [ "$(cat runs)" = .. ]
}
