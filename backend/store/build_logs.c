/* SPDX-License-Identifier: Apache-2.0
 *
 * See build_logs.h.
 */
#include "backend/store/build_logs.h"
#include "backend/store/internal.h"

bool store_build_line_put(struct store *store, const char *build_id, const struct build_line *line,
                          struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "INSERT INTO build_lines (build_id, number, at_ms, level, step,"
                                    " message) VALUES (?, ?, ?, ?, ?, ?)",
                                    err);
    if (!s)
        return false;
    store_bind_text(s, 1, build_id);
    sqlite3_bind_int64(s, 2, line->number);
    sqlite3_bind_int64(s, 3, line->at_ms);
    sqlite3_bind_int(s, 4, line->level);
    store_bind_text(s, 5, line->step);
    store_bind_text(s, 6, line->message);
    return store_run(store, s, "cannot write the log of a build", err);
}

#define QUERY(order)                                                                               \
    "SELECT number, at_ms, level, step, message FROM build_lines"                                  \
    " WHERE build_id = ? AND number >= ? AND at_ms >= ? AND at_ms < ? AND level >= ?"              \
    " ORDER BY number " order " LIMIT ?"

static const char forward[] = QUERY("ASC"), backward[] = QUERY("DESC");

bool store_build_line_each(struct store *store, const char *build_id,
                           const struct build_line_query *query,
                           void (*each)(void *ctx, const struct build_line *line), void *ctx,
                           struct error *err) {
    sqlite3_stmt *s = store_prepare(store, query->backward ? backward : forward, err);
    if (!s)
        return false;
    store_bind_text(s, 1, build_id);
    sqlite3_bind_int64(s, 2, query->from_number);
    sqlite3_bind_int64(s, 3, query->from_ms);
    sqlite3_bind_int64(s, 4, query->before_ms);
    sqlite3_bind_int(s, 5, query->least_level);
    sqlite3_bind_int64(s, 6, query->limit);
    int result;
    while ((result = sqlite3_step(s)) == SQLITE_ROW) {
        const struct build_line line = {
            .number = sqlite3_column_int64(s, 0),
            .at_ms = sqlite3_column_int64(s, 1),
            .level = sqlite3_column_int(s, 2),
            .step = (const char *)sqlite3_column_text(s, 3),
            .message = (const char *)sqlite3_column_text(s, 4),
        };
        each(ctx, &line);
    }
    bool ok = result == SQLITE_DONE || store_fail(store, "cannot read the log of a build", err);
    store_reset(s);
    return ok;
}
