/* SPDX-License-Identifier: Apache-2.0
 *
 * See templates.h.
 */
#include "backend/store/templates.h"
#include "backend/store/internal.h"

#include <errno.h>

bool store_template_insert(struct store *store, const struct template_row *row, struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store,
        "INSERT INTO templates (id, kind, build_id, name, tag, sandbox_id, user, workdir, env,"
        " overlays, created_ms, start_cmd, ready_cmd)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->id);
    sqlite3_bind_int(s, 2, (int)row->kind);
    store_bind_text(s, 3, row->build_id);
    store_bind_text(s, 4, row->name);
    store_bind_text(s, 5, row->tag);
    store_bind_text(s, 6, row->sandbox_id);
    store_bind_text(s, 7, row->user);
    store_bind_text(s, 8, row->workdir);
    if (!store_bind_pairs(s, 9, &row->env)) {
        store_reset(s);
        return error_errno(err, ENOMEM, "cannot record the template");
    }
    store_bind_text(s, 10, row->overlays);
    sqlite3_bind_int64(s, 11, row->created_ms);
    store_bind_text(s, 12, row->start_cmd);
    store_bind_text(s, 13, row->ready_cmd);
    return store_run(store, s, "cannot record the template", err);
}

bool store_template_delete(struct store *store, const char *id, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "DELETE FROM templates WHERE id = ?", err);
    if (!s)
        return false;
    store_bind_text(s, 1, id);
    return store_run(store, s, "cannot forget the template", err);
}

bool store_template_free_name(struct store *store, const char *name, const char *tag,
                              struct error *err) {
    if (!*name)
        return true;
    sqlite3_stmt *s = store_prepare(
        store, "UPDATE templates SET name = '', tag = '' WHERE name = ? AND tag = ?", err);
    if (!s)
        return false;
    store_bind_text(s, 1, name);
    store_bind_text(s, 2, tag);
    return store_run(store, s, "cannot record the template", err);
}

static bool read_row(sqlite3_stmt *s, struct template_row *row, struct error *err) {
    *row = (struct template_row){
        .id = (const char *)sqlite3_column_text(s, 0),
        .kind = (enum template_kind)sqlite3_column_int(s, 1),
        .build_id = (const char *)sqlite3_column_text(s, 2),
        .name = (const char *)sqlite3_column_text(s, 3),
        .tag = (const char *)sqlite3_column_text(s, 4),
        .sandbox_id = (const char *)sqlite3_column_text(s, 5),
        .user = (const char *)sqlite3_column_text(s, 6),
        .workdir = (const char *)sqlite3_column_text(s, 7),
        .overlays = (const char *)sqlite3_column_text(s, 9),
        .created_ms = sqlite3_column_int64(s, 10),
        .start_cmd = (const char *)sqlite3_column_text(s, 11),
        .ready_cmd = (const char *)sqlite3_column_text(s, 12),
    };
    return store_column_pairs(s, 8, &row->env, err);
}

bool store_template_each(struct store *store, void (*each)(void *ctx, struct template_row *row),
                         void *ctx, struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "SELECT id, kind, build_id, name, tag, sandbox_id, user, "
                                    "workdir, env, overlays, created_ms,"
                                    " start_cmd, ready_cmd FROM templates ORDER BY created_ms, id",
                                    err);
    if (!s)
        return false;
    int result;
    bool ok = true;
    while (ok && (result = sqlite3_step(s)) == SQLITE_ROW) {
        struct template_row row;
        ok = read_row(s, &row, err);
        if (ok)
            each(ctx, &row);
        pairs_free(&row.env);
    }
    if (ok && result != SQLITE_DONE)
        ok = store_fail(store, "cannot read the templates", err);
    store_reset(s);
    return ok;
}
