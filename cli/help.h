/* SPDX-License-Identifier: Apache-2.0
 *
 * What `--help` and `e2b help` print. A command is given by its path from the root down.
 */
#ifndef E2B_CLI_HELP_H
#define E2B_CLI_HELP_H

#include "cli/command.h"
#include "common/buf.h"

void help_print(const struct command *const *path, size_t depth, FILE *out);
/* The usage line and where to read more: what follows a mistake. */
void help_print_usage(const struct command *const *path, size_t depth, FILE *out);

/* "e2b sandbox list|ls [options]". */
enum { HELP_LINE = 512 };
const char *help_usage(const struct command *const *path, size_t depth,
                       char line[static HELP_LINE]);
/* "list|ls [options] <sandboxID>": a row of a noun's list. */
const char *help_term(const struct command *command, char line[static HELP_LINE]);
/* The help of an option with its choices, default and variable behind it. */
const char *help_option(const struct option_spec *spec, char text[static HELP_LINE]);

#endif
