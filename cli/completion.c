/* SPDX-License-Identifier: Apache-2.0
 *
 * The completions of three shells. They hold no list of commands: each asks `e2b complete`, which
 * reads the table, so that a script that was installed once never grows old.
 */
#include "cli/root.h"

#include <string.h>

/* Bash splits words at '=' and ':' and completes only the last piece: the pieces are joined before
 * the question and what they share with the word is cut off the answers. */
static const char bash[] =
    "# bash completion for e2b\n"
    "_e2b() {\n"
    "    local words=() word line joining= cur=${COMP_WORDS[COMP_CWORD]} i\n"
    "    for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if [[ $word == [=:] && ${#words[@]} -gt 0 && $i -gt 1 ]]; then\n"
    "            words[-1]+=$word joining=1\n"
    "        elif [[ $joining ]]; then\n"
    "            words[-1]+=$word joining=\n"
    "        else\n"
    "            words+=(\"$word\")\n"
    "        fi\n"
    "    done\n"
    "    word=${words[-1]}\n"
    "    [[ $cur == [=:] ]] && cur=\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r line; do\n"
    "        if [[ $line == :files ]]; then\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "        else\n"
    "            line=${line%%$'\\t'*}\n"
    "            COMPREPLY+=(\"${line:${#word}-${#cur}}\")\n"
    "        fi\n"
    "    done < <(\"$1\" complete -- \"${words[@]}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _e2b e2b\n";

static const char zsh[] =
    "#compdef e2b\n"
    "_e2b() {\n"
    "    local -a candidates\n"
    "    local line\n"
    "    for line in \"${(@f)$(${(Q)words[1]} complete -- \"${(@)words[2,CURRENT]}\" "
    "2>/dev/null)}\"; do\n"
    "        if [[ $line == :files ]]; then\n"
    "            _files\n"
    "        elif [[ -n $line ]]; then\n"
    "            candidates+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "        fi\n"
    "    done\n"
    "    (( $#candidates )) && _describe e2b candidates\n"
    "}\n"
    "if [[ $funcstack[1] == _e2b ]]; then\n"
    "    _e2b \"$@\"\n"
    "else\n"
    "    compdef _e2b e2b\n"
    "fi\n";

static const char fish[] =
    "# fish completion for e2b\n"
    "function __e2b_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l current (commandline -ct)\n"
    "    set -l program $words[1]\n"
    "    set -e words[1]\n"
    "    for line in ($program complete -- $words \"$current\" 2>/dev/null)\n"
    "        if test \"$line\" = :files\n"
    "            __fish_complete_path \"$current\"\n"
    "        else\n"
    "            echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c e2b -f -a '(__e2b_complete)'\n";

static int print_script(struct invocation *in, struct error *err) {
    const char *shell = in->command->name;
    (void)err;
    fputs(strcmp(shell, "bash") == 0 ? bash : strcmp(shell, "zsh") == 0 ? zsh : fish, stdout);
    return EXIT_OK;
}

#define SHELL(shell, line, what)                                                                   \
    static const struct command shell##_command = {                                                \
        .name = #shell,                                                                            \
        .summary = "print the completion of " #shell,                                              \
        .examples = (const char *const[]){line, what, NULL},                                       \
        .handler = print_script,                                                                   \
    }

SHELL(bash, "eval \"$(e2b completion bash)\"", "complete in this shell");
SHELL(zsh, "eval \"$(e2b completion zsh)\"", "complete in this shell, after compinit");
SHELL(fish, "e2b completion fish | source", "complete in this shell");

const struct command command_completion = {
    .name = "completion",
    .summary = "print the completion of a shell",
    .description = "`make install` puts them where the shells look; this is for everywhere else.",
    .examples =
        (const char *const[]){"e2b completion bash >> ~/.bashrc", "complete in every bash", NULL},
    .children = (const struct command *const[]){&bash_command, &zsh_command, &fish_command, NULL},
};
