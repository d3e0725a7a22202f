# SPDX-License-Identifier: Apache-2.0
#
# What the shells complete: each script is loaded in its shell and asked, and the answers are compared
# with the tree. timeout: 240

setup() {
    cd "$BATS_TEST_TMPDIR"
    tree=$("$E2B" help --format json)
    "$E2B" completion bash >e2b.bash
    "$E2B" completion zsh >_e2b
    "$E2B" completion fish >e2b.fish
}

in_bash() { # words... the last one is being completed
    bash --norc -c '. ./e2b.bash
        COMP_WORDS=(e2b "$@") COMP_CWORD=$#
        _e2b e2b "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        [ ${#COMPREPLY[@]} = 0 ] || printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort
}

# zsh completes only in its line editor; the two functions that would draw are replaced.
in_zsh() { # words...
    zsh -f -c '_describe() { print -rl -- "${(@)${(P)2}%%:*}" }
        _files() { print -r -- FILES }
        compdef() { : }
        . ./_e2b
        words=(e2b "$@") CURRENT=$(($# + 1))
        _e2b' zsh "$@" | sort
}

in_fish() { # line
    fish --no-config -c 'source e2b.fish; complete -C $argv[1]' -- "$1" | cut -f 1 | sort
}

need() {
    command -v "$1" >/dev/null || skip "$1 is not installed"
}

names() { # path: the commands below it that are shown
    jq -r 'reduce $ARGS.positional[] as $name (.; .commands[] | select(.name == $name))
        | .commands[] | select(.hidden | not) | .name' --args "$@" <<<"$tree" | sort
}

options() { # path: the options that are shown
    jq -r 'reduce $ARGS.positional[] as $name (.; .commands[] | select(.name == $name))
        | .options[] | select(.hidden | not) | "--" + .name' --args "$@" <<<"$tree" | sort
}

paths() { # filter on a command
    jq -r "def walk(\$path): . as \$it | (select($1) | \$path | join(\" \")), (\$it | .commands[]?
        | select(.hidden | not) | walk(\$path + [.name])); walk([])" <<<"$tree"
}

@test "bash: commands and options everywhere are those of the tree" {
    while read -r -a path; do
        [ "$(in_bash "${path[@]}" "")" = "$(names "${path[@]}")" ] || { echo "${path[*]}"; return 1; }
    done < <(paths .commands)
    while read -r -a path; do
        [ "$(in_bash "${path[@]}" --)" = "$(options "${path[@]}")" ] || { echo "${path[*]}"; return 1; }
    done < <(paths true)
}

@test "zsh: commands and options everywhere are those of the tree" {
    need zsh
    zsh -n _e2b
    while read -r -a path; do
        [ "$(in_zsh "${path[@]}" "")" = "$(names "${path[@]}")" ]
    done < <(paths .commands)
    while read -r -a path; do
        [ "$(in_zsh "${path[@]}" --)" = "$(options "${path[@]}")" ]
    done < <(paths true)
}

@test "fish: commands and options are those of the tree" {
    need fish
    fish -n e2b.fish
    [ "$(in_fish "e2b ")" = "$(names)" ]
    [ "$(in_fish "e2b completion ")" = "$(names completion)" ]
    [ "$(in_fish "e2b help --")" = "$(options help)" ]
}

@test "choices are completed behind a blank and behind =" {
    choices=$(printf '%s\n' json man text)
    [ "$(in_bash help --format "")" = "$choices" ]
    [ "$(in_bash help -f "")" = "$choices" ]
    [ "$(in_bash help --format = j)" = json ]
    [ "$(in_bash help --format =)" = "$choices" ]
    need zsh
    [ "$(in_zsh help --format "")" = "$choices" ]
    [ "$(in_zsh help --format=j)" = --format=json ]
    need fish
    [ "$(in_fish "e2b help --format ")" = "$choices" ]
    [ "$(in_fish "e2b help --format=j")" = --format=json ]
}

@test "the arguments of help are commands" {
    [ "$(in_bash help "")" = "$(names)" ]
    [ "$(in_bash help completion "")" = "$(names completion)" ]
    [ "$(in_bash help completion bash "")" = "" ]
}

@test "aliases are completed where the name does not fit" {
    while IFS=$'\t' read -r name alias; do
        [[ "$name" == "$alias"* ]] || [ "$(in_bash "$alias" | grep -cx "$alias")" = 1 ]
    done < <(jq -r '.commands[] | select(.hidden | not) | .name as $n | .aliases[] | [$n, .] | @tsv' <<<"$tree")
    [ "$(in_bash complet)" = completion ]
}

@test "what was installed is what the program prints" {
    [ -e "$E2B_BUILD/completions/e2b" ] || skip "not here: no build tree"
    cmp "$E2B_BUILD/completions/e2b" e2b.bash
    cmp "$E2B_BUILD/completions/_e2b" _e2b
    cmp "$E2B_BUILD/completions/e2b.fish" e2b.fish
}

@test "nothing is completed, and nothing said, where nothing fits" {
    run in_bash nonsense ""
    [ "$status" = 0 ]
    [ "$output" = "" ]
    run in_bash help --format x
    [ "$status" = 0 ]
    [ "$output" = "" ]
}
