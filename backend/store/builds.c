/* SPDX-License-Identifier: Apache-2.0
 *
 * See builds.h.
 */
#include "backend/store/builds.h"
#include "backend/store/internal.h"

#include <errno.h>

static const char *text_at(sqlite3_stmt *s, int at) {
    return (const char *)sqlite3_column_text(s, at);
}

/* ---- writing ---- */

bool store_recipe_put(struct store *store, const struct recipe_row *row, struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "INSERT OR REPLACE INTO recipes (id, name, is_public,"
                                    " created_ms, updated_ms, spawned_ms, spawn_count)"
                                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                                    err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->id);
    store_bind_text(s, 2, row->name);
    sqlite3_bind_int(s, 3, row->is_public);
    sqlite3_bind_int64(s, 4, row->created_ms);
    sqlite3_bind_int64(s, 5, row->updated_ms);
    sqlite3_bind_int64(s, 6, row->spawned_ms);
    sqlite3_bind_int64(s, 7, row->spawn_count);
    return store_run(store, s, "cannot record the template", err);
}

static bool run_by_id(struct store *store, const char *sql, const char *id, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, sql, err);
    if (!s)
        return false;
    store_bind_text(s, 1, id);
    return store_run(store, s, "cannot forget the template", err);
}

bool store_recipe_delete(struct store *store, const char *id, struct error *err) {
    static const char *const statements[] = {
        "DELETE FROM build_lines WHERE build_id IN (SELECT id FROM builds WHERE recipe_id = ?)",
        "DELETE FROM builds WHERE recipe_id = ?",
        "DELETE FROM recipe_tags WHERE recipe_id = ?",
        "DELETE FROM recipes WHERE id = ?",
    };
    if (!store_begin(store, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(statements); i++)
        if (!run_by_id(store, statements[i], id, err)) {
            store_rollback(store);
            return false;
        }
    return store_commit(store, err);
}

bool store_build_put(struct store *store, const struct build_row *row, struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store,
        "INSERT OR REPLACE INTO builds (id, recipe_id, status, created_ms, updated_ms, finished_ms,"
        " cpus, memory_mb, tags, start_cmd, ready_cmd, user, workdir, env, overlays, reason,"
        " reason_step) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->id);
    store_bind_text(s, 2, row->recipe_id);
    sqlite3_bind_int(s, 3, (int)row->status);
    sqlite3_bind_int64(s, 4, row->created_ms);
    sqlite3_bind_int64(s, 5, row->updated_ms);
    sqlite3_bind_int64(s, 6, row->finished_ms);
    sqlite3_bind_int64(s, 7, row->cpus);
    sqlite3_bind_int64(s, 8, row->memory_mb);
    store_bind_text(s, 9, row->tags);
    store_bind_text(s, 10, row->start_cmd);
    store_bind_text(s, 11, row->ready_cmd);
    store_bind_text(s, 12, row->user);
    store_bind_text(s, 13, row->workdir);
    store_bind_text(s, 15, row->overlays);
    store_bind_text(s, 16, row->reason);
    store_bind_text(s, 17, row->reason_step);
    if (store_bind_pairs(s, 14, &row->env))
        return store_run(store, s, "cannot record the build", err);
    store_reset(s);
    return error_errno(err, ENOMEM, "cannot record the build");
}

bool store_tag_put(struct store *store, const struct tag_row *row, struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "INSERT OR REPLACE INTO recipe_tags (recipe_id, tag, build_id,"
                                    " created_ms) VALUES (?, ?, ?, ?)",
                                    err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->recipe_id);
    store_bind_text(s, 2, row->tag);
    store_bind_text(s, 3, row->build_id);
    sqlite3_bind_int64(s, 4, row->created_ms);
    return store_run(store, s, "cannot record the tag", err);
}

bool store_tag_delete(struct store *store, const char *recipe_id, const char *tag,
                      struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store, "DELETE FROM recipe_tags WHERE recipe_id = ? AND tag = ?", err);
    if (!s)
        return false;
    store_bind_text(s, 1, recipe_id);
    store_bind_text(s, 2, tag);
    return store_run(store, s, "cannot forget the tag", err);
}

bool store_kept_put(struct store *store, const struct kept_row *row, struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "INSERT OR REPLACE INTO kept_layers (key, step, layer,"
                                    " overlays, user, workdir, env, used_ms)"
                                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                                    err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->key);
    store_bind_text(s, 2, row->step);
    store_bind_text(s, 3, row->layer);
    store_bind_text(s, 4, row->overlays);
    store_bind_text(s, 5, row->user);
    store_bind_text(s, 6, row->workdir);
    sqlite3_bind_int64(s, 8, row->used_ms);
    if (store_bind_pairs(s, 7, &row->env))
        return store_run(store, s, "cannot record the layer", err);
    store_reset(s);
    return error_errno(err, ENOMEM, "cannot record the layer");
}

bool store_kept_delete(struct store *store, const char *key, struct error *err) {
    return run_by_id(store, "DELETE FROM kept_layers WHERE key = ?", key, err);
}

/* ---- reading ---- */

/* One row a call; false: it cannot be read. */
typedef bool (*take_row)(sqlite3_stmt *s, const void *each, void *ctx, struct error *err);

static bool read_all(struct store *store, const char *sql, take_row take, const void *each,
                     void *ctx, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, sql, err);
    if (!s)
        return false;
    int result = SQLITE_ROW;
    bool ok = true;
    while (ok && (result = sqlite3_step(s)) == SQLITE_ROW)
        ok = take(s, each, ctx, err);
    if (ok && result != SQLITE_DONE)
        ok = store_fail(store, "cannot read the templates", err);
    store_reset(s);
    return ok;
}

/* A pointer to a function does not fit into one to an object: each is passed by its address. */
typedef void (*recipe_each)(void *ctx, const struct recipe_row *row);
typedef void (*build_each)(void *ctx, const struct build_row *row);
typedef void (*tag_each)(void *ctx, const struct tag_row *row);
typedef void (*kept_each)(void *ctx, const struct kept_row *row);

static bool take_recipe(sqlite3_stmt *s, const void *each, void *ctx, struct error *err) {
    (void)err;
    const struct recipe_row row = {
        .id = text_at(s, 0),
        .name = text_at(s, 1),
        .is_public = sqlite3_column_int(s, 2) != 0,
        .created_ms = sqlite3_column_int64(s, 3),
        .updated_ms = sqlite3_column_int64(s, 4),
        .spawned_ms = sqlite3_column_int64(s, 5),
        .spawn_count = sqlite3_column_int64(s, 6),
    };
    (*(const recipe_each *)each)(ctx, &row);
    return true;
}

bool store_recipe_each(struct store *store, void (*each)(void *ctx, const struct recipe_row *row),
                       void *ctx, struct error *err) {
    return read_all(store,
                    "SELECT id, name, is_public, created_ms, updated_ms, spawned_ms, spawn_count"
                    " FROM recipes ORDER BY created_ms, id",
                    take_recipe, &each, ctx, err);
}

static bool take_build(sqlite3_stmt *s, const void *each, void *ctx, struct error *err) {
    struct build_row row = {
        .id = text_at(s, 0),
        .recipe_id = text_at(s, 1),
        .status = (enum build_status)sqlite3_column_int(s, 2),
        .created_ms = sqlite3_column_int64(s, 3),
        .updated_ms = sqlite3_column_int64(s, 4),
        .finished_ms = sqlite3_column_int64(s, 5),
        .cpus = sqlite3_column_int64(s, 6),
        .memory_mb = sqlite3_column_int64(s, 7),
        .tags = text_at(s, 8),
        .start_cmd = text_at(s, 9),
        .ready_cmd = text_at(s, 10),
        .user = text_at(s, 11),
        .workdir = text_at(s, 12),
        .overlays = text_at(s, 14),
        .reason = text_at(s, 15),
        .reason_step = text_at(s, 16),
    };
    if (!store_column_pairs(s, 13, &row.env, err))
        return false;
    (*(const build_each *)each)(ctx, &row);
    pairs_free(&row.env);
    return true;
}

bool store_build_each(struct store *store, void (*each)(void *ctx, const struct build_row *row),
                      void *ctx, struct error *err) {
    return read_all(store,
                    "SELECT id, recipe_id, status, created_ms, updated_ms, finished_ms, cpus,"
                    " memory_mb, tags, start_cmd, ready_cmd, user, workdir, env, overlays, reason,"
                    " reason_step FROM builds ORDER BY created_ms, id",
                    take_build, &each, ctx, err);
}

static bool take_tag(sqlite3_stmt *s, const void *each, void *ctx, struct error *err) {
    (void)err;
    const struct tag_row row = {
        .recipe_id = text_at(s, 0),
        .tag = text_at(s, 1),
        .build_id = text_at(s, 2),
        .created_ms = sqlite3_column_int64(s, 3),
    };
    (*(const tag_each *)each)(ctx, &row);
    return true;
}

bool store_tag_each(struct store *store, void (*each)(void *ctx, const struct tag_row *row),
                    void *ctx, struct error *err) {
    return read_all(store,
                    "SELECT recipe_id, tag, build_id, created_ms FROM recipe_tags"
                    " ORDER BY created_ms, tag",
                    take_tag, &each, ctx, err);
}

static bool take_kept(sqlite3_stmt *s, const void *each, void *ctx, struct error *err) {
    struct kept_row row = {
        .key = text_at(s, 0),
        .step = text_at(s, 1),
        .layer = text_at(s, 2),
        .overlays = text_at(s, 3),
        .user = text_at(s, 4),
        .workdir = text_at(s, 5),
        .used_ms = sqlite3_column_int64(s, 7),
    };
    if (!store_column_pairs(s, 6, &row.env, err))
        return false;
    (*(const kept_each *)each)(ctx, &row);
    pairs_free(&row.env);
    return true;
}

bool store_kept_each(struct store *store, void (*each)(void *ctx, const struct kept_row *row),
                     void *ctx, struct error *err) {
    return read_all(store,
                    "SELECT key, step, layer, overlays, user, workdir, env, used_ms"
                    " FROM kept_layers ORDER BY used_ms, key",
                    take_kept, &each, ctx, err);
}
