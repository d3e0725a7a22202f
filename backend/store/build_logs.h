/* SPDX-License-Identifier: Apache-2.0
 *
 * The log of a build, line by line, numbered from 0.
 */
#ifndef E2B_STORE_BUILD_LOGS_H
#define E2B_STORE_BUILD_LOGS_H

#include "backend/store/store.h"

struct build_line {
    int64_t number, at_ms;
    int level;
    const char *step, *message; /* step "": none */
};

struct build_line_query {
    int64_t from_number;        /* included */
    int64_t from_ms, before_ms; /* from: included; before: not */
    int64_t limit;
    int least_level;
    bool backward; /* the newest first */
};

bool store_build_line_put(struct store *store, const char *build_id, const struct build_line *line,
                          struct error *err);
bool store_build_line_each(struct store *store, const char *build_id,
                           const struct build_line_query *query,
                           void (*each)(void *ctx, const struct build_line *line), void *ctx,
                           struct error *err);

#endif
