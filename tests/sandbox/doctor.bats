# SPDX-License-Identifier: Apache-2.0
#
# e2b doctor on this machine, and on one that it is made to be.

field() { # check key
    "$E2B" doctor --format json | python3 -c '
import json, sys
for check in json.load(sys.stdin)["checks"]:
    if check["name"] == sys.argv[1]:
        print(check[sys.argv[2]])' "$1" "$2"
}

# doctor where no user namespace can be made any more
doctor_without_namespaces() {
    unshare --user --map-root-user sh -c \
        'echo 0 >/proc/sys/user/max_user_namespaces && exec "$0" doctor "$@"' "$E2B" "$@"
}

@test "sandboxes can run here, and every line says how it was found" {
    run "$E2B" doctor
    [ "$status" = 0 ]
    [[ "$output" == *"Sandboxes can run on this machine." ]]
    [ "$(field 'user namespace' status)" = ok ]
    [ "$(field overlay status)" = ok ]
    [ "$(field seccomp detail)" = "the program loads and acts" ]
    [[ "$(field freezer detail)" == *"; what is paused with its memory starts anew from its files after a restart"* ]]
    if grep -q '^missing *\(kernel\|user\|AppArmor\|namespaces\|overlay\|seccomp\|disk\|socket\)' <<<"$output"; then return 1; fi
}

@test "one id or a range is told apart" {
    case $E2B_LANE in
    single)
        [ "$(field ids status)" = degraded ]
        [[ "$(field ids fix)" == *"usermod --add-subuids"* ]]
        ;;
    *) [ "$(field ids status)" = ok ] ;;
    esac
}

@test "the range of ids that it proposes is nobody else's" {
    echo other:100000:65536 >subuid
    echo another:200000:65536 >subgid
    fix=$(unshare --user --map-root-user --mount sh -c '
        mount --bind subuid /etc/subuid && mount --bind subgid /etc/subgid &&
            exec unshare --user --map-user=1234 "$0" doctor --format json' "$E2B" |
        python3 -c 'import json, sys; print(*[c["fix"] for c in json.load(sys.stdin)["checks"] if c["name"] == "ids"])')
    [[ "$fix" == *"usermod --add-subuids 265536-331071 --add-subgids 265536-331071"* ]]
}

@test "what is degraded or missing says what is lost and how to get it" {
    "$E2B" doctor --format json | python3 -c '
import json, sys
for check in json.load(sys.stdin)["checks"]:
    assert check["status"] in ("ok", "degraded", "missing"), check
    assert check["detail"], check
    assert (check["status"] == "ok") == (check["lost"] == ""), check
    assert (check["status"] == "ok") == (check["fix"] == ""), check'
}

@test "without user namespaces it says so and exits 8" {
    run doctor_without_namespaces
    [ "$status" = 8 ]
    [[ "$output" == *"missing   user namespace"* ]]
    [[ "$output" == *"user.max_user_namespaces above 0"* ]]
    [[ "$output" == *"No sandbox can run on this machine"* ]]
}

@test "it starts no backend and leaves no file behind" {
    "$E2B" doctor >/dev/null
    [ ! -e "$E2B_HOME/run/e2b.sock" ]
    [ -z "$(find "$E2B_HOME" -name 'probe-*')" ]
}
