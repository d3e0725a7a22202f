/* SPDX-License-Identifier: Apache-2.0
 *
 * What a command line wants to run in a sandbox, as the "process" object of process.Process/Start.
 */
#ifndef E2B_CLI_SANDBOX_PROCESS_H
#define E2B_CLI_SANDBOX_PROCESS_H

#include "cli/command.h"

#include <jansson.h>

/* The usual -u, -c, -e of commands that run something: rows of an option table. */
#define PROCESS_OPTIONS                                                                            \
    {.name = "user",                                                                               \
     .letter = 'u',                                                                                \
     .type = OPTION_STRING,                                                                        \
     .value = "user",                                                                              \
     .help = "run as this user of the sandbox"},                                                   \
        {.name = "cwd",                                                                            \
         .letter = 'c',                                                                            \
         .type = OPTION_STRING,                                                                    \
         .value = "dir",                                                                           \
         .help = "working directory in the sandbox"},                                              \
    {                                                                                              \
        .name = "env", .letter = 'e', .type = OPTION_PAIR, .help = "set an environment variable"   \
    }

/* `words` as text for a shell: one word is shell text already, several are quoted as they are. */
char *process_shell_text(char *const *words, int count);
/* bash -l -c TEXT, or with no text an interactive login shell; with -c and -e of the command line.
 */
json_t *process_describe(const struct invocation *in, const char *text, bool tty);

#endif
