/* SPDX-License-Identifier: Apache-2.0
 *
 * The command tree in other forms: JSON for programs, roff for man.
 */
#ifndef E2B_CLI_TREE_H
#define E2B_CLI_TREE_H

#include "cli/command.h"

#include <jansson.h>

/* A command with everything below it, hidden ones included and marked. */
json_t *tree_json(const struct command *command);
/* The page of one command: all commands below it, or for the root those directly below it. */
void tree_manual(const struct command *const *path, size_t depth, FILE *out);

#endif
