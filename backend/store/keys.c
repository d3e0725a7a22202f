/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/store/keys.h"
#include "backend/store/internal.h"

bool store_key_insert(struct store *store, const struct key_row *row, struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "INSERT INTO keys (id, kind, name, hash, head, tail, is_first,"
                                    " created_ms, used_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                    err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->id);
    sqlite3_bind_int(s, 2, row->kind);
    store_bind_text(s, 3, row->name);
    sqlite3_bind_blob(s, 4, row->hash, KEY_HASH, SQLITE_STATIC);
    store_bind_text(s, 5, row->head);
    store_bind_text(s, 6, row->tail);
    sqlite3_bind_int(s, 7, row->is_first);
    sqlite3_bind_int64(s, 8, row->created_ms);
    sqlite3_bind_int64(s, 9, row->used_ms);
    return store_run(store, s, "cannot record the key", err);
}

bool store_key_rename(struct store *store, const char *id, const char *name, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "UPDATE keys SET name = ? WHERE id = ?", err);
    if (!s)
        return false;
    store_bind_text(s, 1, name);
    store_bind_text(s, 2, id);
    return store_run(store, s, "cannot record the key's name", err);
}

bool store_key_set_used(struct store *store, const char *id, int64_t used_ms, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "UPDATE keys SET used_ms = ? WHERE id = ?", err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, used_ms);
    store_bind_text(s, 2, id);
    return store_run(store, s, "cannot record the key's use", err);
}

bool store_key_delete(struct store *store, const char *id, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "DELETE FROM keys WHERE id = ?", err);
    if (!s)
        return false;
    store_bind_text(s, 1, id);
    return store_run(store, s, "cannot delete the key", err);
}

bool store_key_each(struct store *store, void (*each)(void *ctx, const struct key_row *row),
                    void *ctx, struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store,
                      "SELECT id, kind, name, hash, head, tail, is_first, created_ms, used_ms"
                      " FROM keys WHERE length(hash) = 32 ORDER BY created_ms, id",
                      err);
    if (!s)
        return false;
    int result;
    while ((result = sqlite3_step(s)) == SQLITE_ROW) {
        const struct key_row row = {
            .id = (const char *)sqlite3_column_text(s, 0),
            .kind = sqlite3_column_int(s, 1),
            .name = (const char *)sqlite3_column_text(s, 2),
            .hash = sqlite3_column_blob(s, 3),
            .head = (const char *)sqlite3_column_text(s, 4),
            .tail = (const char *)sqlite3_column_text(s, 5),
            .is_first = sqlite3_column_int(s, 6) != 0,
            .created_ms = sqlite3_column_int64(s, 7),
            .used_ms = sqlite3_column_int64(s, 8),
        };
        each(ctx, &row);
    }
    bool ok = result == SQLITE_DONE || store_fail(store, "cannot read the keys", err);
    store_reset(s);
    return ok;
}
