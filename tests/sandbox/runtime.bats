#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# tests/unit/test_runtime again, as an ordinary user with and without subordinate ids.

@test "sandboxes run, end and are taken over" {
    [ "$E2B_LANE" != root ] || skip "not here: unit/test_runtime does this"
    program=$E2B_BUILD/tests/unit/test_runtime
    [ -x "$program" ] || skip "not here: the build tree is not open to this user"
    run "$program"
    echo "$output"
    [ "$status" -eq 0 ]
}
