/* SPDX-License-Identifier: Apache-2.0
 *
 * See deliveries.h.
 */
#include "backend/store/deliveries.h"
#include "backend/store/internal.h"

static const char what[] = "cannot read the deliveries";

bool store_delivery_insert(struct store *store, int64_t webhook, int64_t event,
                           const struct delivery_row *row, struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store, "INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, webhook);
    sqlite3_bind_int64(s, 2, event);
    sqlite3_bind_int64(s, 3, row->at_ms);
    store_bind_text(s, 4, row->id);
    sqlite3_bind_int64(s, 5, row->duration_ms);
    sqlite3_bind_int(s, 6, row->status);
    sqlite3_bind_int(s, 7, (int)row->error);
    store_bind_text(s, 8, row->message);
    store_bind_text(s, 9, row->url);
    store_bind_text(s, 10, row->response_headers);
    store_bind_text(s, 11, row->response_body);
    return store_run(store, s, "cannot record a delivery", err);
}

#define DELIVERY_COLUMNS                                                                           \
    "d.id, d.at_ms, duration_ms, status, error, message, url, response_headers, response_body"
enum { DELIVERY_COLUMN_COUNT = 9 };

static struct delivery_row read_row(sqlite3_stmt *s) {
    return (struct delivery_row){
        .id = (const char *)sqlite3_column_text(s, 0),
        .at_ms = sqlite3_column_int64(s, 1),
        .duration_ms = sqlite3_column_int64(s, 2),
        .status = sqlite3_column_int(s, 3),
        .error = (enum delivery_error)sqlite3_column_int(s, 4),
        .message = (const char *)sqlite3_column_text(s, 5),
        .url = (const char *)sqlite3_column_text(s, 6),
        .response_headers = (const char *)sqlite3_column_text(s, 7),
        .response_body = (const char *)sqlite3_column_text(s, 8),
    };
}

#define FROM_WHERE                                                                                 \
    " FROM deliveries d JOIN events e ON e.seq = d.event WHERE d.webhook = ?1"                     \
    " AND d.at_ms >= ?3 AND d.at_ms < ?4 AND ((?5 AND error = 0) OR (?6 AND error != 0))"          \
    " AND (?7 >> e.type) & 1"

static void bind_query(sqlite3_stmt *s, const struct delivery_query *query) {
    sqlite3_bind_int64(s, 1, query->webhook);
    sqlite3_bind_int64(s, 2, query->behind || query->ascending ? query->behind : INT64_MAX);
    sqlite3_bind_int64(s, 3, query->start_ms);
    sqlite3_bind_int64(s, 4, query->end_ms);
    sqlite3_bind_int(s, 5, query->successes);
    sqlite3_bind_int(s, 6, query->failures);
    sqlite3_bind_int64(s, 7, query->types);
}

bool store_delivery_list(struct store *store, const struct delivery_query *query,
                         bool (*each)(void *ctx, const struct event_row *event,
                                      const struct delivery_row *delivery),
                         void *ctx, struct error *err) {
    sqlite3_stmt *s = query->ascending
                          ? store_prepare(store,
                                          "SELECT " DELIVERY_COLUMNS ", " EVENT_COLUMNS FROM_WHERE
                                          " AND d.event > ?2 ORDER BY d.event, d.at_ms",
                                          err)
                          : store_prepare(store,
                                          "SELECT " DELIVERY_COLUMNS ", " EVENT_COLUMNS FROM_WHERE
                                          " AND d.event < ?2 ORDER BY d.event DESC, d.at_ms DESC",
                                          err);
    if (!s)
        return false;
    int result;
    bool more = true;
    bind_query(s, query);
    while (more && (result = sqlite3_step(s)) == SQLITE_ROW) {
        struct delivery_row delivery = read_row(s);
        struct event_row event = store_event_row(s, DELIVERY_COLUMN_COUNT);
        more = each(ctx, &event, &delivery);
    }
    bool ok = !more || result == SQLITE_DONE || store_fail(store, what, err);
    store_reset(s);
    return ok;
}

bool store_delivery_find(struct store *store, int64_t webhook, const char *id, int64_t *event,
                         struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "SELECT d.event FROM deliveries d JOIN events e ON"
                                    " e.seq = d.event WHERE d.webhook = ?1 AND (e.id = ?2 OR"
                                    " d.id = ?2) LIMIT 1",
                                    err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, webhook);
    store_bind_text(s, 2, id);
    int result = sqlite3_step(s);
    bool ok = result == SQLITE_ROW;
    if (ok)
        *event = sqlite3_column_int64(s, 0);
    else if (result == SQLITE_DONE)
        error_set(err, ERR_NOT_FOUND, "no delivery of an event \"%.40s\" to this webhook is known",
                  id);
    else
        store_fail(store, what, err);
    store_reset(s);
    return ok;
}

bool store_delivery_stats(struct store *store, const struct delivery_query *query,
                          int64_t bucket_ms,
                          void (*each)(void *ctx, const struct delivery_stats *stats), void *ctx,
                          struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store,
        "SELECT at_ms / ?2 * ?2, count(*), sum(error != 0), min(duration_ms), max(duration_ms),"
        " sum(duration_ms) FROM deliveries WHERE webhook = ?1 AND at_ms >= ?3 AND at_ms < ?4"
        " GROUP BY 1 ORDER BY 1",
        err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, query->webhook);
    sqlite3_bind_int64(s, 2, bucket_ms);
    sqlite3_bind_int64(s, 3, query->start_ms);
    sqlite3_bind_int64(s, 4, query->end_ms);
    int result;
    while ((result = sqlite3_step(s)) == SQLITE_ROW) {
        const struct delivery_stats stats = {
            .at_ms = sqlite3_column_int64(s, 0),
            .total = sqlite3_column_int64(s, 1),
            .failed = sqlite3_column_int64(s, 2),
            .least_ms = sqlite3_column_int64(s, 3),
            .most_ms = sqlite3_column_int64(s, 4),
            .sum_ms = sqlite3_column_int64(s, 5),
        };
        each(ctx, &stats);
    }
    bool ok = result == SQLITE_DONE || store_fail(store, what, err);
    store_reset(s);
    return ok;
}

bool store_delivery_prune(struct store *store, int64_t webhook, int64_t keep, int64_t oldest,
                          struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store,
        "DELETE FROM deliveries WHERE webhook = ?1 AND event < max(?3, coalesce((SELECT event"
        " FROM deliveries WHERE webhook = ?1 ORDER BY event DESC LIMIT 1 OFFSET ?2), 0))",
        err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, webhook);
    sqlite3_bind_int64(s, 2, keep);
    sqlite3_bind_int64(s, 3, oldest);
    return store_run(store, s, "cannot remove old deliveries", err);
}

bool store_delivery_clear(struct store *store, int64_t webhook, struct error *err) {
    return store_delivery_prune(store, webhook, INT64_MAX, INT64_MAX, err);
}
