# SPDX-License-Identifier: Apache-2.0
#
# What the sandbox tests share. A file that needs one sandbox for all its tests calls have_sandbox in
# setup_file; every file calls end_backend in teardown_file.

e2b() { "$E2B" "$@"; }

# Makes a sandbox that lives long enough; its id is printed.
new_sandbox() { e2b sandbox create --detach --timeout 600 "$@" | awk 'NF { id = $NF } END { print id }'; }

have_sandbox() {
    id=$(new_sandbox)
    [ -n "$id" ]
    export id
}

end_backend() {
    e2b sandbox kill --all >/dev/null 2>&1
    e2b local stop >/dev/null
}

as_user() { e2b sandbox exec "$id" "$1"; }
as_root() { e2b sandbox exec --user root "$id" "$1"; }

# `! command` would pass unnoticed: errexit does not look at it.
refute() {
    if "$@"; then return 1; fi
}

# The host's pid of a process inside, found by a word of its command line that nobody else has.
host_pid() { # word
    local directory
    for directory in /proc/[0-9]*; do
        tr '\0' ' ' <"$directory/cmdline" 2>/dev/null | grep -q "^sleep $1 " || continue
        echo "${directory#/proc/}"
        return 0
    done
    return 1
}

# Waits for something to become true; the limit is only there to end a failing test.
until_true() { # command...
    local end=$((SECONDS + 20))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

daemon_pid() { e2b local status --format json | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'; }

single_id() { [ "$E2B_LANE" = single ]; }
