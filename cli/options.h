/* SPDX-License-Identifier: Apache-2.0
 *
 * The values of one command line's options: which specs are in force, what was typed for them, what
 * the environment or the table says when nothing was.
 */
#ifndef E2B_CLI_OPTIONS_H
#define E2B_CLI_OPTIONS_H

#include "cli/command.h"

enum { OPTIONS_MAX = 64 };

struct option_value {
    const struct option_spec *spec;
    bool given;       /* typed, or from the environment */
    const char *env;  /* the variable it came from; NULL: it did not */
    const char *text; /* borrowed: the last one */
    int64_t number;   /* INTEGER, DURATION, SIZE, BOOL */
    const char **list;
    size_t count;
};

struct option_set {
    struct option_value values[OPTIONS_MAX];
    size_t count;
    const struct option_spec *missing; /* the line ended before the value of this one */
};

/* Every option that counts for a command, as help shows them: its own, --context where it speaks to
 * a server, --help. Returns how many were put into `specs`. */
size_t options_of(const struct command *command, const struct option_spec *specs[OPTIONS_MAX]);

/* Sets the options in force; values of those that were there before are kept. */
void options_use(struct option_set *set, const struct command *command);
void options_free(struct option_set *set);

/* Deals with the option at argv[*at] and its value, and moves *at behind them. */
bool options_take(struct option_set *set, int argc, char **argv, int *at, struct error *err);
/* Environment and defaults for what was not typed. */
bool options_finish(struct option_set *set, struct error *err);

/* NULL: not one of these options. */
const struct option_value *options_find(const struct option_set *set, const char *name);

/* "-f, --format <format>"; `text` is filled and returned. */
enum { OPTION_TERM = 128 };
const char *options_term(const struct option_spec *spec, char text[static OPTION_TERM]);
/* The placeholder of the value, without brackets; NULL for a flag. */
const char *options_placeholder(const struct option_spec *spec);
bool options_repeats(const struct option_spec *spec);

#endif
