/* SPDX-License-Identifier: Apache-2.0
 *
 * See webhooks.h.
 */
#include "backend/store/webhooks.h"
#include "backend/store/internal.h"

static const char what[] = "cannot record the webhook";

bool store_webhook_insert(struct store *store, struct webhook_row *row, struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store,
                      "INSERT INTO webhooks (id, name, url, secret, types, enabled, created_ms,"
                      " cursor, failures, failing_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
                      err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->id);
    store_bind_text(s, 2, row->name);
    store_bind_text(s, 3, row->url);
    store_bind_text(s, 4, row->secret);
    sqlite3_bind_int64(s, 5, row->types);
    sqlite3_bind_int(s, 6, row->enabled);
    sqlite3_bind_int64(s, 7, row->created_ms);
    sqlite3_bind_int64(s, 8, row->cursor);
    if (!store_run(store, s, what, err))
        return false;
    row->number = sqlite3_last_insert_rowid(store->db);
    return true;
}

bool store_webhook_update(struct store *store, const struct webhook_row *row, struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store,
                      "UPDATE webhooks SET name = ?, url = ?, secret = ?, types = ?, enabled = ?,"
                      " cursor = ? WHERE number = ?",
                      err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->name);
    store_bind_text(s, 2, row->url);
    store_bind_text(s, 3, row->secret);
    sqlite3_bind_int64(s, 4, row->types);
    sqlite3_bind_int(s, 5, row->enabled);
    sqlite3_bind_int64(s, 6, row->cursor);
    sqlite3_bind_int64(s, 7, row->number);
    return store_run(store, s, what, err);
}

bool store_webhook_set_progress(struct store *store, const struct webhook_row *row,
                                struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store, "UPDATE webhooks SET cursor = ?, failures = ?, failing_ms = ? WHERE number = ?",
        err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, row->cursor);
    sqlite3_bind_int64(s, 2, row->failures);
    sqlite3_bind_int64(s, 3, row->failing_ms);
    sqlite3_bind_int64(s, 4, row->number);
    return store_run(store, s, what, err);
}

bool store_webhook_delete(struct store *store, int64_t number, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "DELETE FROM webhooks WHERE number = ?", err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, number);
    return store_run(store, s, "cannot remove the webhook", err);
}

bool store_webhook_each(struct store *store, void (*each)(void *ctx, const struct webhook_row *row),
                        void *ctx, struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "SELECT number, id, name, url, secret, types, enabled,"
                                    " created_ms, cursor, failures, failing_ms FROM webhooks"
                                    " ORDER BY number",
                                    err);
    if (!s)
        return false;
    int result;
    while ((result = sqlite3_step(s)) == SQLITE_ROW) {
        const struct webhook_row row = {
            .number = sqlite3_column_int64(s, 0),
            .id = (const char *)sqlite3_column_text(s, 1),
            .name = (const char *)sqlite3_column_text(s, 2),
            .url = (const char *)sqlite3_column_text(s, 3),
            .secret = (const char *)sqlite3_column_text(s, 4),
            .types = (unsigned)sqlite3_column_int64(s, 5),
            .enabled = sqlite3_column_int(s, 6) != 0,
            .created_ms = sqlite3_column_int64(s, 7),
            .cursor = sqlite3_column_int64(s, 8),
            .failures = sqlite3_column_int64(s, 9),
            .failing_ms = sqlite3_column_int64(s, 10),
        };
        each(ctx, &row);
    }
    bool ok = result == SQLITE_DONE || store_fail(store, "cannot read the webhooks", err);
    store_reset(s);
    return ok;
}
