/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns of paths: `*`, `?`, `[a-z]`, `\x` within one name, `**` across names. Compiled once;
 * matching takes time in proportion to both lengths, whatever the pattern.
 */
#ifndef E2B_CLI_PACK_GLOB_H
#define E2B_CLI_PACK_GLOB_H

#include "common/error.h"

enum glob_dialect {
    GLOB_DOCKER, /* `**` crosses slashes wherever it stands */
    GLOB_NODE,   /* only as a whole name; `*` alone is at least one character */
};

enum { GLOB_MAX = 4096 };

struct glob;

struct glob *glob_compile(const char *pattern, enum glob_dialect dialect, struct error *err);
void glob_free(struct glob *glob);
bool glob_match(const struct glob *glob, const char *path);
/* Has it anything but letters that mean themselves? */
bool glob_is_pattern(const char *text);
/* Can it match something below the directory `path`? */
bool glob_reaches(const struct glob *glob, const char *path);

#endif
