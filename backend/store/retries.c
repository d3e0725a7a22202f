/* SPDX-License-Identifier: Apache-2.0
 *
 * See retries.h.
 */
#include "backend/store/retries.h"
#include "backend/store/internal.h"

static const char cannot_read[] = "cannot read what is to be delivered again";
static const char cannot_write[] = "cannot record what is to be delivered again";

bool store_retry_put(struct store *store, int64_t webhook, int64_t event,
                     const struct retry_row *row, struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store, "INSERT OR REPLACE INTO retries VALUES (?, ?, ?, ?, ?)", err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, webhook);
    sqlite3_bind_int64(s, 2, event);
    sqlite3_bind_int64(s, 3, row->due_ms);
    sqlite3_bind_int64(s, 4, row->attempts);
    sqlite3_bind_int64(s, 5, row->first_ms);
    return store_run(store, s, cannot_write, err);
}

bool store_retry_delete(struct store *store, int64_t webhook, int64_t event, struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store, "DELETE FROM retries WHERE webhook = ? AND event = ?", err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, webhook);
    sqlite3_bind_int64(s, 2, event);
    return store_run(store, s, cannot_write, err);
}

bool store_retry_clear(struct store *store, int64_t webhook, int64_t before, struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store, "DELETE FROM retries WHERE webhook = ? AND event < ?", err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, webhook);
    sqlite3_bind_int64(s, 2, before);
    return store_run(store, s, cannot_write, err);
}

bool store_retry_clear_types(struct store *store, int64_t webhook, unsigned kept,
                             struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store,
                      "DELETE FROM retries WHERE webhook = ?1 AND event IN (SELECT seq FROM"
                      " retries r JOIN events e ON e.seq = r.event WHERE r.webhook = ?1"
                      " AND NOT (?2 >> type) & 1)",
                      err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, webhook);
    sqlite3_bind_int64(s, 2, kept);
    return store_run(store, s, cannot_write, err);
}

bool store_retry_due(struct store *store, int64_t webhook, int64_t now_ms, int64_t limit,
                     void (*each)(void *ctx, const struct event_row *event,
                                  const struct retry_row *retry),
                     void *ctx, struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "SELECT due_ms, attempts, first_ms, " EVENT_COLUMNS
                                    " FROM retries r JOIN events e ON e.seq = r.event"
                                    " WHERE r.webhook = ? AND due_ms <= ? ORDER BY due_ms LIMIT ?",
                                    err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, webhook);
    sqlite3_bind_int64(s, 2, now_ms);
    sqlite3_bind_int64(s, 3, limit);
    int result;
    while ((result = sqlite3_step(s)) == SQLITE_ROW) {
        const struct retry_row retry = {
            .due_ms = sqlite3_column_int64(s, 0),
            .attempts = sqlite3_column_int64(s, 1),
            .first_ms = sqlite3_column_int64(s, 2),
        };
        struct event_row event = store_event_row(s, 3);
        each(ctx, &event, &retry);
    }
    bool ok = result == SQLITE_DONE || store_fail(store, cannot_read, err);
    store_reset(s);
    return ok;
}

static bool get_number(struct store *store, sqlite3_stmt *s, int64_t *number, struct error *err) {
    bool ok = sqlite3_step(s) == SQLITE_ROW || store_fail(store, cannot_read, err);
    if (ok && sqlite3_column_type(s, 0) != SQLITE_NULL)
        *number = sqlite3_column_int64(s, 0);
    store_reset(s);
    return ok;
}

bool store_retry_next(struct store *store, int64_t webhook, int64_t after_ms, int64_t *due_ms,
                      struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store, "SELECT min(due_ms) FROM retries WHERE webhook = ? AND due_ms > ?", err);
    if (!s)
        return false;
    *due_ms = INT64_MAX;
    sqlite3_bind_int64(s, 1, webhook);
    sqlite3_bind_int64(s, 2, after_ms);
    return get_number(store, s, due_ms, err);
}

bool store_retry_count(struct store *store, int64_t webhook, int64_t *count, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "SELECT count(*) FROM retries WHERE webhook = ?", err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, webhook);
    return get_number(store, s, count, err);
}
