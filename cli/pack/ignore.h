/* SPDX-License-Identifier: Apache-2.0
 *
 * .dockerignore: which files of a build context count. As Docker defines it (the last line that
 * matches a path or one of its folders wins, "!" takes back), or as the official clients read it
 * (plain patterns, each path for itself).
 */
#ifndef E2B_CLI_PACK_IGNORE_H
#define E2B_CLI_PACK_IGNORE_H

#include "cli/pack/glob.h"

struct ignore_rule {
    char *text; /* as it is in force */
    bool negated;
    struct glob *glob;
};

struct ignore {
    struct ignore_rule *rules;
    size_t count;
    bool is_compat;
};

enum { IGNORE_MAX_RULES = 10000 };

/* `name` is for errors. */
bool ignore_parse(struct ignore *ignore, const char *name, const char *text, size_t len,
                  bool is_compat, struct error *err);
void ignore_free(struct ignore *ignore);
#define cleanup_ignore cleanup(ignore_free)

/* Is `path` (relative to the context, without "./") ignored? `above` and `here` have a flag a rule:
 * which matched the folder it is in (NULL: none), which match it; `here` is filled. */
bool ignore_path(const struct ignore *ignore, const char *path, const bool *above, bool *here);
/* May something below an ignored folder count again? */
bool ignore_reopens(const struct ignore *ignore, const char *folder);

#endif
