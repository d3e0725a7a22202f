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

# The same with words instead of shell text, and nothing on standard input.
inside() { e2b sandbox exec "$id" -- "$@" </dev/null; }
inside_as_root() { e2b sandbox exec --user root "$id" -- "$@" </dev/null; }

# `! command` would pass unnoticed: errexit does not look at it.
refute() {
    if "$@"; then return 1; fi
}

# The host's pid of a `sleep NUMBER$own` inside; $own because the other lanes sleep as well.
case $E2B_LANE in root) own=.1 ;; user) own=.2 ;; *) own=.3 ;; esac
host_pid() { # number
    local directory
    for directory in /proc/[0-9]*; do
        tr '\0' ' ' <"$directory/cmdline" 2>/dev/null | grep -q "^sleep $1$own " || continue
        echo "${directory#/proc/}"
        return 0
    done
    return 1
}

# Waits for something to become true; the limit is only there to end a failing test.
until_true() { # command...
    local end=$((SECONDS + 60))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

daemon_pid() { e2b local status --format json | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'; }

single_id() { [ "$E2B_LANE" = single ]; }

# What the id 0 or 1000 of the sandbox is outside.
id_outside() { # id
    case $E2B_LANE in
    root) awk -F: -v id="$1" '$1 == "root" && $3 >= 65536 { base = $2 }
        END { print (base ? base : 2116747264) + id }' /etc/subuid ;;
    user) if [ "$1" = 0 ]; then id -u; else awk -F: -v user="$(id -un)" -v id="$1" \
        '$1 == user { print $2 + id - 1; exit }' /etc/subuid; fi ;;
    single) id -u ;;
    esac
}

skip_with_one_id() {
    if single_id; then skip "not here: there is one id only"; fi
}
