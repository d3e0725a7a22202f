/* SPDX-License-Identifier: Apache-2.0
 *
 * A command line against the tree: which command, which options, which arguments. Goes on behind
 * the first mistake, so that `--help` and `--format json` count wherever they stand.
 */
#ifndef E2B_CLI_PARSE_H
#define E2B_CLI_PARSE_H

#include "cli/options.h"

enum { PARSE_DEPTH = 8 };

struct parse {
    const struct command *path[PARSE_DEPTH]; /* from the root down */
    size_t depth;
    struct option_set options;
    char **args; /* owned array of borrowed words, NULL-terminated */
    int arg_count;
    int dash; /* as in struct invocation */
};

/* True even if the line is wrong, with parse filled as far as it goes: `err` is the first mistake
 * and err->kind ERR_NONE if there was none. */
void parse_line(struct parse *parse, const struct command *root, int argc, char **argv,
                struct error *err);
void parse_free(struct parse *parse);

static inline const struct command *parse_leaf(const struct parse *parse) {
    return parse->path[parse->depth - 1];
}
bool parse_flag(const struct parse *parse, const char *name);

/* The child of a noun with that name or alias, or NULL. */
const struct command *parse_child(const struct command *noun, const char *word);
/* "unknown command" with the nearest names of this noun. */
bool parse_unknown(const struct command *noun, const char *word, struct error *err);

#endif
