/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pattern takes away from the value of a variable, or puts in its place. In it "*" is any
 * text, "?" one character, and a backslash takes their meaning from them.
 */
#ifndef E2B_CLI_DOCKERFILE_PATTERN_H
#define E2B_CLI_DOCKERFILE_PATTERN_H

#include "common/buf.h"
#include "common/error.h"

enum { PATTERN_VALUE_MAX = 1024 };

struct pattern_edit {
    char operation; /* '#' removes at the start, '%' at the end, '/' replaces */
    bool is_double; /* the longest match instead of the shortest; '/': all matches */
    const char *pattern;
    const char *replacement; /* of '/' */
};

/* Appends what becomes of `value`. */
bool pattern_edit(const struct pattern_edit *edit, const char *value, struct buf *out,
                  struct error *err);

#endif
