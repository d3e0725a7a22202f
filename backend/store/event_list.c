/* SPDX-License-Identifier: Apache-2.0
 *
 * See event_list.h. A filter merges the index's runs of the wanted types, so that a rare type among
 * a million others is found at once.
 */
#include "backend/store/event_list.h"
#include "backend/store/internal.h"

static const char what[] = "cannot read the events";

enum { DEEP = 2000 }; /* that many entries of an index are skipped in less than a millisecond */

struct event_row store_event_row(sqlite3_stmt *statement, int at) {
    return (struct event_row){
        .seq = sqlite3_column_int64(statement, at),
        .id = (const char *)sqlite3_column_text(statement, at + 1),
        .type = (enum event_type)sqlite3_column_int(statement, at + 2),
        .sandbox_id = (const char *)sqlite3_column_text(statement, at + 3),
        .template_id = (const char *)sqlite3_column_text(statement, at + 4),
        .build_id = (const char *)sqlite3_column_text(statement, at + 5),
        .execution_id = (const char *)sqlite3_column_text(statement, at + 6),
        .at_ms = sqlite3_column_int64(statement, at + 7),
        .data = (const char *)sqlite3_column_text(statement, at + 8),
    };
}

static bool run(struct store *store, sqlite3_stmt *s, event_each each, void *ctx,
                struct error *err) {
    int result;
    while ((result = sqlite3_step(s)) == SQLITE_ROW) {
        struct event_row row = store_event_row(s, 0);
        each(ctx, &row);
    }
    bool ok = result == SQLITE_DONE || store_fail(store, what, err);
    store_reset(s);
    return ok;
}

/* ?1 offset, ?2 limit, ?3 types, ?4 sandbox. */
static sqlite3_stmt *prepare_all(struct store *store, bool ascending, struct error *err) {
    return ascending
               ? store_prepare(store,
                               "SELECT " EVENT_COLUMNS " FROM events e WHERE seq >="
                               " (SELECT min(seq) FROM events) + ?1 ORDER BY seq LIMIT ?2",
                               err)
               : store_prepare(store,
                               "SELECT " EVENT_COLUMNS " FROM events e WHERE seq <="
                               " (SELECT max(seq) FROM events) - ?1 ORDER BY seq DESC LIMIT ?2",
                               err);
}

#define RUN(where, type)                                                                           \
    "SELECT seq AS s FROM events WHERE " where "type = " type " AND ?3 & (1 << " type ")"
#define RUNS(where)                                                                                \
    RUN(where, "1")                                                                                \
    " UNION ALL " RUN(where, "2") " UNION ALL " RUN(where, "3") " UNION ALL " RUN(                 \
        where, "4") " UNION ALL " RUN(where, "5") " UNION ALL " RUN(where, "6")
_Static_assert(EVENT_TYPES == 7, "a run for each type");

#define SELECT_RUNS(where, direction)                                                              \
    "SELECT " EVENT_COLUMNS                                                                        \
    " FROM (" RUNS(where) " ORDER BY 1" direction " LIMIT ?2 OFFSET ?1)"                           \
                          " JOIN events e ON e.seq = s ORDER BY s" direction

static sqlite3_stmt *prepare_types(struct store *store, bool ascending, struct error *err) {
    return ascending ? store_prepare(store, SELECT_RUNS("", ""), err)
                     : store_prepare(store, SELECT_RUNS("", " DESC"), err);
}

static sqlite3_stmt *prepare_sandbox(struct store *store, bool ascending, struct error *err) {
    return ascending ? store_prepare(store, SELECT_RUNS("sandbox_id = ?4 AND ", ""), err)
                     : store_prepare(store, SELECT_RUNS("sandbox_id = ?4 AND ", " DESC"), err);
}

static bool is_of_all(const struct event_query *query) {
    return query->types == EVENT_ALL_TYPES && !query->sandbox_id;
}

bool store_event_is_deep(const struct event_query *query) {
    return !is_of_all(query) && query->offset > DEEP;
}

bool store_event_list(struct store *store, const struct event_query *query, event_each each,
                      void *ctx, struct error *err) {
    bool all = is_of_all(query);
    sqlite3_stmt *s = all                 ? prepare_all(store, query->ascending, err)
                      : query->sandbox_id ? prepare_sandbox(store, query->ascending, err)
                                          : prepare_types(store, query->ascending, err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, query->offset);
    sqlite3_bind_int64(s, 2, query->limit);
    if (!all)
        sqlite3_bind_int64(s, 3, query->types);
    if (query->sandbox_id)
        store_bind_text(s, 4, query->sandbox_id);
    return run(store, s, each, ctx, err);
}

bool store_event_untried(struct store *store, int64_t webhook, int64_t seq, unsigned types,
                         int64_t limit, event_each each, void *ctx, struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store,
        "SELECT " EVENT_COLUMNS " FROM events e WHERE seq > ?1 AND (?2 >> type) & 1 AND NOT EXISTS"
        " (SELECT 1 FROM deliveries d WHERE d.webhook = ?3 AND d.event = e.seq)"
        " ORDER BY seq LIMIT ?4",
        err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, seq);
    sqlite3_bind_int64(s, 2, types);
    sqlite3_bind_int64(s, 3, webhook);
    sqlite3_bind_int64(s, 4, limit);
    return run(store, s, each, ctx, err);
}

bool store_event_news(struct store *store, int64_t *seq, unsigned *types, struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store, "SELECT seq, type FROM events WHERE seq > ? ORDER BY seq", err);
    if (!s)
        return false;
    int result;
    *types = 0;
    sqlite3_bind_int64(s, 1, *seq);
    while ((result = sqlite3_step(s)) == SQLITE_ROW) {
        *seq = sqlite3_column_int64(s, 0);
        *types |= event_type_bit((enum event_type)sqlite3_column_int(s, 1));
    }
    bool ok = result == SQLITE_DONE || store_fail(store, what, err);
    store_reset(s);
    return ok;
}

static bool get_number(struct store *store, sqlite3_stmt *s, int64_t *number, struct error *err) {
    int result = sqlite3_step(s);
    if (result == SQLITE_ROW)
        *number = sqlite3_column_int64(s, 0);
    bool ok = result == SQLITE_ROW || result == SQLITE_DONE || store_fail(store, what, err);
    store_reset(s);
    return ok;
}

bool store_event_newest(struct store *store, int64_t *seq, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "SELECT max(seq) FROM events", err);
    return s && get_number(store, s, seq, err);
}

/* ---- removal ---------------------------------------------------------------------------------
 */

/* The first that stays: by age, or because `most` are enough for now. */
static bool find_oldest(struct store *store, int64_t before_ms, int64_t most, int64_t *oldest,
                        struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store,
        "SELECT seq FROM events WHERE at_ms >= ?1 OR seq >= min((SELECT min(seq) FROM events) + ?2,"
        " (SELECT max(seq) FROM events)) ORDER BY seq LIMIT 1",
        err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, before_ms);
    sqlite3_bind_int64(s, 2, most);
    return get_number(store, s, oldest, err);
}

/* By number: no more than `keep`, but not more than `most` at once either. */
static bool find_surplus(struct store *store, int64_t keep, int64_t most, int64_t *oldest,
                         struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "SELECT min((SELECT max(seq) FROM events) - ?1 + 1,"
                                    " (SELECT min(seq) FROM events) + ?2)",
                                    err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, keep);
    sqlite3_bind_int64(s, 2, most);
    return get_number(store, s, oldest, err);
}

/* The newest row always stays: numbers go on from it. */
bool store_event_prune(struct store *store, int64_t before_ms, int64_t keep, int64_t most,
                       int64_t *oldest, struct error *err) {
    int64_t by_age = 0, by_number = 0;
    if (!find_oldest(store, before_ms, most, &by_age, err) ||
        !find_surplus(store, keep, most, &by_number, err))
        return false;
    *oldest = MAX(by_age, by_number);
    sqlite3_stmt *s = store_prepare(store, "DELETE FROM events WHERE seq < ?", err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, *oldest);
    return store_run(store, s, "cannot remove old events", err);
}
