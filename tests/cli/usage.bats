# SPDX-License-Identifier: Apache-2.0
#
# Mistakes on the command line, and where errors go.

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# Standard error of a line that must fail as a mistake in typing, with nothing on standard output.
mistake() { # words...
    status=0
    "$E2B" "$@" >out 2>err || status=$?
    [ "$status" = 2 ] || { echo "status $status"; cat out err; return 1; }
    [ ! -s out ]
    cat err
}

@test "an unknown command names the nearest ones, the usage and where to read on" {
    [ "$(mistake completon)" = "error: unknown command 'completon'
(Did you mean completion?)

Usage: e2b [options] [command]
Run 'e2b help' for more." ]
    [ "$(mistake completion bsh | head -n 2)" = "error: unknown command 'bsh'
(Did you mean one of bash, zsh?)" ]
    [[ "$(mistake zzzzzzzz)" == "error: unknown command 'zzzzzzzz'"$'\n\n'"Usage: "* ]]
}

@test "an unknown option names the nearest one" {
    [[ "$(mistake --versoin)" == "error: unknown option '--versoin'
(Did you mean --version?)"* ]]
    [[ "$(mistake help --frmat=json)" == "error: unknown option '--frmat'
(Did you mean --format?)"* ]]
    [[ "$(mistake completion bash -x)" == "error: unknown option '-x'"* ]]
}

@test "values are checked before anything is done" {
    [[ "$(mistake help --format)" == "error: option '-f, --format <format>' argument missing"* ]]
    [[ "$(mistake help -f xml)" == "error: option '-f, --format <format>' argument 'xml' is invalid
(allowed choices are text, json, man)"* ]]
    [[ "$(mistake completion bash extra)" == "error: too many arguments for 'bash'"* ]]
    [[ "$(mistake completion bash --help=yes)" == "error: option '--help' takes no value"* ]]
}

@test "help of a command that does not exist is a mistake" {
    [[ "$(mistake help hlep)" == "error: unknown command 'hlep'
(Did you mean help?)"* ]]
    [[ "$(mistake help completion bash more)" == "error: 'bash' has no commands below it"* ]]
}

@test "errors are one line of JSON where JSON was asked for, wherever the option stands" {
    for line in "help nope --format json" "help --format=json nope" "help -fjson --bogus" \
        "nope --format json" "completion nope -fjson" "completion nope x --format=json"; do
        json=$(mistake $line)
        [ "$(wc -l <<<"$json")" = 1 ]
        [ "$(jq -r 'keys | join(",")' <<<"$json")" = "code,error,hint" ]
        [ "$(jq -r .code <<<"$json")" = usage ]
    done
    [ "$(mistake help hepl -f json | jq -r .hint)" = "Did you mean help?" ]
    [ "$(mistake help zzzz -f json | jq -r .hint)" = null ]
}

@test "text of the user cannot write to the terminal" {
    [[ "$(mistake $'\e[2Jx')" == "error: unknown command '?[2Jx'"* ]]
    [ "$(mistake help $'\xff\xfe' -f json | jq -r .code)" = usage ]
}

@test "colours only where they are wanted" {
    esc=$'\e'
    [[ "$(FORCE_COLOR=1 mistake nope)" == "$esc[31merror:$esc[0m "* ]]
    [[ "$(FORCE_COLOR=1 NO_COLOR=1 mistake nope)" == "error: "* ]]
    [[ "$(FORCE_COLOR=0 mistake nope)" == "error: "* ]]
    command -v script >/dev/null || skip "script is not installed"
    run script -qec "'$E2B' nope" /dev/null
    [ "$status" = 2 ]
    [[ "$output" == "$esc[31merror:$esc[0m "* ]]
}

@test "a full disk is an error, a reader that went away is none" {
    run bash -c '"$E2B" help >/dev/full'
    [ "$status" = 6 ]
    [[ "$output" == "error: cannot write to standard output: No space left on device"* ]]
    mkfifo pipe
    exec 8<>pipe 9>pipe 8>&- # descriptor 9 writes where nobody reads any more
    status=0
    "$E2B" help --format json >&9 2>err || status=$?
    exec 9>&-
    [ "$status" = 141 ]
    [ ! -s err ]
}

@test "closed standard descriptors are no way to confuse it" {
    run bash -c '"$E2B" --version <&- 2>&-'
    [ "$status" = 0 ]
    [ -n "$output" ]
    run bash -c '"$E2B" --version >&- <&- 2>&-'
    [ "$status" = 0 ]
}

@test "thousands of words and long ones are just words" {
    mistake help $(seq 1 5000) >/dev/null
    [[ "$(mistake "$(head -c 100000 /dev/zero | tr '\0' a)" | head -c 40)" == "error: unknown command 'aaaa"* ]]
}
