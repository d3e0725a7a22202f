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

enum process_form {
    PROCESS_SHELL, /* bash -l -c, as the official command line does: one word is shell text already,
                      several are quoted */
    PROCESS_DIRECT, /* the program itself, unless the only word is shell text: a login shell takes
                       longer than the sandbox */
};

/* No words: an interactive login shell. With -c and -e of the command line. NULL: it cannot be said
 * in JSON. */
json_t *process_describe(const struct invocation *in, char *const *words, int count,
                         enum process_form form, bool tty);

#endif
