/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/store/volumes.h"
#include "backend/store/internal.h"

bool store_volume_insert(struct store *store, const struct volume_row *row, struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store, "INSERT INTO volumes (id, name, created_ms) VALUES (?, ?, ?)", err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->id);
    store_bind_text(s, 2, row->name);
    sqlite3_bind_int64(s, 3, row->created_ms);
    return store_run(store, s, "cannot record the volume", err);
}

bool store_volume_delete(struct store *store, const char *id, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "DELETE FROM volumes WHERE id = ?", err);
    if (!s)
        return false;
    store_bind_text(s, 1, id);
    return store_run(store, s, "cannot delete the volume", err);
}

bool store_volume_each(struct store *store, void (*each)(void *ctx, const struct volume_row *row),
                       void *ctx, struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store, "SELECT id, name, created_ms FROM volumes ORDER BY created_ms, id", err);
    if (!s)
        return false;
    int result;
    while ((result = sqlite3_step(s)) == SQLITE_ROW) {
        const struct volume_row row = {
            .id = (const char *)sqlite3_column_text(s, 0),
            .name = (const char *)sqlite3_column_text(s, 1),
            .created_ms = sqlite3_column_int64(s, 2),
        };
        each(ctx, &row);
    }
    bool ok = result == SQLITE_DONE || store_fail(store, "cannot read the volumes", err);
    store_reset(s);
    return ok;
}
