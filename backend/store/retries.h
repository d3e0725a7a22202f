/* SPDX-License-Identifier: Apache-2.0
 *
 * Events that were tried for a webhook and did not arrive yet: when the next attempt is due.
 */
#ifndef E2B_STORE_RETRIES_H
#define E2B_STORE_RETRIES_H

#include "backend/store/event_list.h"

struct retry_row {
    int64_t due_ms;
    int64_t attempts; /* made so far */
    int64_t first_ms; /* when the first of them was */
};

bool store_retry_put(struct store *store, int64_t webhook, int64_t event,
                     const struct retry_row *row, struct error *err);
bool store_retry_delete(struct store *store, int64_t webhook, int64_t event, struct error *err);
/* All of events before a number. */
bool store_retry_clear(struct store *store, int64_t webhook, int64_t before, struct error *err);
/* All of types that are not among these. */
bool store_retry_clear_types(struct store *store, int64_t webhook, unsigned kept,
                             struct error *err);
/* Those due by `now_ms`, the longest due first. */
bool store_retry_due(struct store *store, int64_t webhook, int64_t now_ms, int64_t limit,
                     void (*each)(void *ctx, const struct event_row *event,
                                  const struct retry_row *retry),
                     void *ctx, struct error *err);
/* When the first is due that is so only after a time (INT64_MAX: none), and how many there are. */
bool store_retry_next(struct store *store, int64_t webhook, int64_t after_ms, int64_t *due_ms,
                      struct error *err);
bool store_retry_count(struct store *store, int64_t webhook, int64_t *count, struct error *err);

#endif
