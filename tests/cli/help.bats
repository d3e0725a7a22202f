# SPDX-License-Identifier: Apache-2.0
#
# Help, version, the tree as JSON and the man pages: that they are there for every command and agree.
# timeout: 240

setup() {
    cd "$BATS_TEST_TMPDIR"
    tree=$("$E2B" help --format json)
}

# Every command that is shown, a path a line: "sandbox list".
commands() { # with-nouns?
    jq -r --argjson nouns "${1:-false}" '
        def walk($path): .commands[]? | select(.hidden | not) | ($path + [.name]) as $here
            | (if .commands and ($nouns | not) then empty else $here | join(" ") end), walk($here);
        walk([])' <<<"$tree"
}

command_json() { # words...
    jq 'reduce $ARGS.positional[] as $name (.; .commands[] | select(.name == $name))' \
        --args "$@" <<<"$tree"
}

@test "--version and -V print the version and nothing else" {
    version=$(sed -n 's/^AC_INIT(\[e2b\], \[\(.*\)\])$/\1/p' "$E2B_SOURCE/configure.ac")
    run "$E2B" --version
    [ "$status" = 0 ]
    [ -n "$version" ]
    [ "$output" = "$version" ]
    run "$E2B" -V
    [ "$status" = 0 ]
    [ "$output" = "$version" ]
}

@test "alone and for a noun alone: help on standard error, status 1" {
    for words in "" "completion"; do
        status=0
        "$E2B" $words >out 2>err || status=$?
        [ "$status" = 1 ]
        [ ! -s out ]
        grep -q '^Usage: e2b' err
        grep -q '^Commands:$' err
    done
}

@test "--help, -h and help say the same, wherever they stand" {
    expected=$("$E2B" help completion bash)
    [[ "$expected" == "Usage: e2b completion bash [options]"* ]]
    [ "$("$E2B" completion bash --help)" = "$expected" ]
    [ "$("$E2B" completion bash -h)" = "$expected" ]
    [ "$("$E2B" completion --help bash)" = "$expected" ]
    [ "$("$E2B" completion help bash)" = "$expected" ]
    [ "$("$E2B" completion bash --nonsense --help)" = "$expected" ]
}

@test "every command has help with all its options, choices, defaults and examples" {
    checked=0
    while read -r -a path; do
        help=$("$E2B" "${path[@]}" --help)
        while IFS= read -r text; do
            grep -qF -- "$text" <<<"$(tr -s ' \n' ' ' <<<"$help")" ||
                { echo "help of ${path[*]} lacks: $text"; return 1; }
        done < <(command_json "${path[@]}" | jq -r '
            .summary, (.options[] | select(.hidden | not) | "--" + .name, .help,
                (.default // empty | "default: " + .), (.env // empty | "env: " + .), .choices[]?),
            .examples[].command, .examples[].summary')
        checked=$((checked + 1))
    done < <(commands true)
    [ "$checked" = "$(commands true | wc -l)" ]
    [ "$checked" -ge 5 ]
}

@test "the lists of commands in help are those of the tree" {
    for noun in "" $(jq -r '.commands[] | select(.commands and (.hidden | not)) | .name' <<<"$tree"); do
        shown=$("$E2B" help $noun | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p' |
            { if [ -n "$noun" ]; then sed '$d'; else cat; fi; })
        [ "$shown" = "$(command_json $noun | jq -r '.commands[] | select(.hidden | not) | .name')" ]
    done
}

@test "help is wrapped at 80 columns where text can be" {
    run "$E2B" --help
    [ "$(awk '{ if (length > m) m = length } END { print m }' <<<"$output")" -le 80 ]
}

@test "exit-codes lists statuses that are documented nowhere twice" {
    run "$E2B" help exit-codes
    [ "$status" = 0 ]
    for code in 0 1 2 3 4 5 6 7 8 124; do
        [ "$(grep -c "^ *$code  " <<<"$output")" = 1 ]
    done
}

@test "there is a man page for e2b and for every command below it, and no other" {
    expected=$({ echo e2b.1; jq -r '.commands[] | select(.hidden | not) | "e2b-\(.name).1"' <<<"$tree"; } | sort)
    listed=$(sed -n 's|^\tman/\(e2b[a-z-]*\.1\).*|\1|p' "$E2B_SOURCE/man/sources.am" | sort)
    [ "$listed" = "$expected" ]
}

@test "man pages hold every command, option and example, and groff has nothing to complain about" {
    command -v groff >/dev/null || skip "groff is not installed"
    for top in $(jq -r '.commands[] | select(.hidden | not) | .name' <<<"$tree"); do
        "$E2B" help --format man "$top" >page
        groff -man -Tutf8 -ww -rLL=400n page >text 2>complaints
        [ ! -s complaints ] || { cat complaints; return 1; }
        page=$(col -bx <text | tr -s ' \n' ' ')
        while IFS= read -r text; do
            grep -qF -- "$text" <<<"$page" || { echo "page of $top lacks: $text"; return 1; }
        done < <(command_json "$top" | jq -r '.. | objects | select(.summary and .options)
            | select(.commands | not) | select(.hidden | not)
            | .summary, (.options[] | select(.hidden | not) | "--" + .name), .examples[].command')
    done
}

@test "the root's man page names all others" {
    page=$("$E2B" help --format man)
    for top in $(jq -r '.commands[] | select(.hidden | not) | .name' <<<"$tree"); do
        grep -qF ".BR e2b\\-$top (1)" <<<"$page"
    done
}

@test "version, help and completion load no library but libc and jansson" {
    for words in "--version" "help sandbox" "--help" "completion bash" "complete -- sandbox --"; do
        LD_DEBUG=files LD_DEBUG_OUTPUT=loaded "$E2B" $words >/dev/null
        libraries=$(sed -n 's|.*calling init: .*/\([^/]*\)$|\1|p' loaded.* | grep -v '^ld-\|san\.so\|libstdc\|libgcc\|libm\.' | sort -u)
        [ "$(sed 's/\.so.*//' <<<"$libraries" | tr '\n' ' ')" = "libc libjansson " ] ||
            { echo "$words: $libraries"; return 1; }
        rm loaded.*
    done
}
