/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/store/secrets.h"
#include "backend/store/internal.h"

#include <errno.h>

#define COLUMNS "id, name, version, sealed, metadata, created_ms, updated_ms"

bool store_secret_insert(struct store *store, const struct secret_row *row, struct error *err) {
    static const char what[] = "cannot record the secret";
    sqlite3_stmt *s =
        store_prepare(store, "INSERT INTO secrets (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)", err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->id);
    store_bind_text(s, 2, row->name);
    sqlite3_bind_int64(s, 3, row->version);
    sqlite3_bind_blob64(s, 4, row->sealed, row->sealed_len, SQLITE_STATIC);
    sqlite3_bind_int64(s, 6, row->created_ms);
    sqlite3_bind_int64(s, 7, row->updated_ms);
    if (!store_bind_pairs(s, 5, &row->metadata)) {
        store_reset(s);
        return error_errno(err, ENOMEM, "%s", what);
    }
    return store_run_unique(store, s, what, err);
}

bool store_secret_update(struct store *store, const struct secret_row *row, struct error *err) {
    static const char what[] = "cannot record the secret";
    sqlite3_stmt *s = store_prepare(
        store,
        "UPDATE secrets SET version = ?, sealed = ?, metadata = ?, updated_ms = ? WHERE id = ?",
        err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, row->version);
    sqlite3_bind_blob64(s, 2, row->sealed, row->sealed_len, SQLITE_STATIC);
    sqlite3_bind_int64(s, 4, row->updated_ms);
    store_bind_text(s, 5, row->id);
    if (!store_bind_pairs(s, 3, &row->metadata)) {
        store_reset(s);
        return error_errno(err, ENOMEM, "%s", what);
    }
    return store_run(store, s, what, err);
}

bool store_secret_delete(struct store *store, const char *id, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "DELETE FROM secrets WHERE id = ?", err);
    if (!s)
        return false;
    store_bind_text(s, 1, id);
    return store_run(store, s, "cannot delete the secret", err);
}

static bool read_rows(struct store *store, sqlite3_stmt *s, secret_each each, void *ctx,
                      size_t *count, struct error *err) {
    int result;
    bool ok = true;
    *count = 0;
    while (ok && (result = sqlite3_step(s)) == SQLITE_ROW) {
        struct secret_row row = {
            .id = (const char *)sqlite3_column_text(s, 0),
            .name = (const char *)sqlite3_column_text(s, 1),
            .version = sqlite3_column_int64(s, 2),
            .sealed = sqlite3_column_blob(s, 3),
            .sealed_len = (size_t)sqlite3_column_bytes(s, 3),
            .created_ms = sqlite3_column_int64(s, 5),
            .updated_ms = sqlite3_column_int64(s, 6),
        };
        ok = store_column_pairs(s, 4, &row.metadata, err);
        if (ok)
            each(ctx, &row);
        pairs_free(&row.metadata);
        ++*count;
    }
    if (ok && result != SQLITE_DONE)
        ok = store_fail(store, "cannot read the secrets", err);
    store_reset(s);
    return ok;
}

bool store_secret_get(struct store *store, const char *key, secret_each each, void *ctx,
                      bool *found, struct error *err) {
    size_t count = 0;
    sqlite3_stmt *s =
        store_prepare(store, "SELECT " COLUMNS " FROM secrets WHERE id = ?1 OR name = ?1", err);
    if (!s)
        return false;
    store_bind_text(s, 1, key);
    bool ok = read_rows(store, s, each, ctx, &count, err);
    *found = count > 0;
    return ok;
}

bool store_secret_page(struct store *store, int64_t before_ms, const char *after_id, int64_t limit,
                       secret_each each, void *ctx, struct error *err) {
    size_t count;
    sqlite3_stmt *s = store_prepare(store,
                                    "SELECT " COLUMNS " FROM secrets WHERE created_ms < ?1"
                                    " OR (created_ms = ?1 AND id > ?2)"
                                    " ORDER BY created_ms DESC, id LIMIT ?3",
                                    err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, before_ms);
    store_bind_text(s, 2, after_id);
    sqlite3_bind_int64(s, 3, limit);
    return read_rows(store, s, each, ctx, &count, err);
}

bool store_secret_count(struct store *store, int64_t *count, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "SELECT count(*) FROM secrets", err);
    if (!s)
        return false;
    bool ok = sqlite3_step(s) == SQLITE_ROW || store_fail(store, "cannot count the secrets", err);
    *count = sqlite3_column_int64(s, 0);
    store_reset(s);
    return ok;
}
