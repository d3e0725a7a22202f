/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the events: in pages from either end, and onwards from a reader's place. The numbers of
 * the rows have no gaps, because they are given in the transaction that inserts and only the oldest
 * rows are ever removed: any page of all events is found without counting through those before it.
 */
#ifndef E2B_STORE_EVENT_LIST_H
#define E2B_STORE_EVENT_LIST_H

#include "backend/store/events.h"

#include <sqlite3.h>

/* The columns of a row, for statements that join the table as `e`, and how they are read. */
#define EVENT_COLUMNS                                                                              \
    "e.seq, e.id, e.type, e.sandbox_id, e.template_id, e.build_id, e.execution_id, e.at_ms, "      \
    "e.data"
enum { EVENT_COLUMN_COUNT = 9 };
/* Valid until the statement is stepped; `at` is the first of them. */
struct event_row store_event_row(sqlite3_stmt *statement, int at);

/* A set of types as bits. */
static inline unsigned event_type_bit(enum event_type type) {
    return 1U << type;
}
enum { EVENT_ALL_TYPES = (1 << EVENT_TYPES) - (1 << EVENT_CREATED) };

struct event_query {
    const char *sandbox_id; /* NULL: of all */
    unsigned types;
    bool ascending; /* oldest first */
    int64_t offset, limit;
};

typedef void (*event_each)(void *ctx, const struct event_row *row);
bool store_event_list(struct store *store, const struct event_query *query, event_each each,
                      void *ctx, struct error *err);
/* Will it take long? What was filtered has to be counted up to the page. */
bool store_event_is_deep(const struct event_query *query);
/* Oldest first, those behind `seq` of which nothing was tried for this webhook yet. */
bool store_event_untried(struct store *store, int64_t webhook, int64_t seq, unsigned types,
                         int64_t limit, event_each each, void *ctx, struct error *err);
/* Moves *seq to the newest event; `types`: of those between the two. */
bool store_event_news(struct store *store, int64_t *seq, unsigned *types, struct error *err);
/* 0: there is none. */
bool store_event_newest(struct store *store, int64_t *seq, struct error *err);
/* Removes the oldest: those before a time, and those that are more than `keep`; at most `most` in
 * one call. *oldest is the first that is left (or that will come). */
bool store_event_prune(struct store *store, int64_t before_ms, int64_t keep, int64_t most,
                       int64_t *oldest, struct error *err);

#endif
