/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/store/sandboxes.h"
#include "backend/store/internal.h"

#include <errno.h>

bool store_sandbox_insert(struct store *store, const struct sandbox_row *row, struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store,
        "INSERT INTO sandboxes (id, template_id, build_id, started_ms, end_ms, secure,"
        " memory_bytes, disk_bytes, cpus, processes, files, metadata, env, network, mounts,"
        " timeout_s, pauses, keeps_memory, auto_resume, execution_id, execution_ms, overlays)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->id);
    store_bind_text(s, 2, row->template_id);
    store_bind_text(s, 3, row->build_id);
    sqlite3_bind_int64(s, 4, row->started_ms);
    sqlite3_bind_int64(s, 5, row->end_ms);
    sqlite3_bind_int(s, 6, row->secure);
    sqlite3_bind_int64(s, 7, (int64_t)row->memory_bytes);
    sqlite3_bind_int64(s, 8, (int64_t)row->disk_bytes);
    sqlite3_bind_int64(s, 9, row->cpus);
    sqlite3_bind_int64(s, 10, row->processes);
    sqlite3_bind_int64(s, 11, row->files);
    if (!store_bind_pairs(s, 12, &row->metadata) || !store_bind_pairs(s, 13, &row->env) ||
        !store_bind_pairs(s, 14, &row->network) || !store_bind_pairs(s, 15, &row->mounts)) {
        store_reset(s);
        return error_errno(err, ENOMEM, "cannot record the sandbox");
    }
    sqlite3_bind_int64(s, 16, row->timeout_s);
    sqlite3_bind_int(s, 17, row->pauses);
    sqlite3_bind_int(s, 18, row->keeps_memory);
    sqlite3_bind_int(s, 19, row->auto_resume);
    store_bind_text(s, 20, row->execution_id);
    sqlite3_bind_int64(s, 21, row->execution_ms);
    store_bind_text(s, 22, row->overlays);
    return store_run(store, s, "cannot record the sandbox", err);
}

bool store_sandbox_set_end(struct store *store, const char *id, int64_t end_ms, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "UPDATE sandboxes SET end_ms = ? WHERE id = ?", err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, end_ms);
    store_bind_text(s, 2, id);
    return store_run(store, s, "cannot record the sandbox's time", err);
}

bool store_sandbox_set_network(struct store *store, const char *id, const struct pairs *network,
                               struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "UPDATE sandboxes SET network = ? WHERE id = ?", err);
    if (!s)
        return false;
    if (!store_bind_pairs(s, 1, network)) {
        store_reset(s);
        return error_errno(err, ENOMEM, "cannot record the sandbox's network");
    }
    store_bind_text(s, 2, id);
    return store_run(store, s, "cannot record the sandbox's network", err);
}

bool store_sandbox_ended(struct store *store, const char *id, int64_t ended_ms, const char *reason,
                         struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store, "UPDATE sandboxes SET ended_ms = ?, end_reason = ? WHERE id = ?", err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, ended_ms);
    store_bind_text(s, 2, reason);
    store_bind_text(s, 3, id);
    return store_run(store, s, "cannot record the sandbox's end", err);
}

static bool read_row(sqlite3_stmt *s, struct sandbox_row *row, struct error *err) {
    *row = (struct sandbox_row){
        .id = (const char *)sqlite3_column_text(s, 0),
        .template_id = (const char *)sqlite3_column_text(s, 1),
        .build_id = (const char *)sqlite3_column_text(s, 2),
        .started_ms = sqlite3_column_int64(s, 3),
        .end_ms = sqlite3_column_int64(s, 4),
        .secure = sqlite3_column_int(s, 5) != 0,
        .memory_bytes = (uint64_t)sqlite3_column_int64(s, 6),
        .disk_bytes = (uint64_t)sqlite3_column_int64(s, 7),
        .cpus = (uint32_t)sqlite3_column_int64(s, 8),
        .processes = (uint32_t)sqlite3_column_int64(s, 9),
        .files = (uint32_t)sqlite3_column_int64(s, 10),
        .timeout_s = sqlite3_column_int64(s, 15),
        .pauses = sqlite3_column_int(s, 16) != 0,
        .keeps_memory = sqlite3_column_int(s, 17) != 0,
        .auto_resume = sqlite3_column_int(s, 18) != 0,
        .paused = (enum sandbox_paused)sqlite3_column_int(s, 19),
        .paused_ms = sqlite3_column_int64(s, 20),
        .execution_id = (const char *)sqlite3_column_text(s, 21),
        .execution_ms = sqlite3_column_int64(s, 22),
        .overlays = (const char *)sqlite3_column_text(s, 23),
    };
    return store_column_pairs(s, 11, &row->metadata, err) &&
           store_column_pairs(s, 12, &row->env, err) &&
           store_column_pairs(s, 13, &row->network, err) &&
           store_column_pairs(s, 14, &row->mounts, err);
}

bool store_sandbox_each_alive(struct store *store, void (*each)(void *ctx, struct sandbox_row *row),
                              void *ctx, struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store,
                      "SELECT id, template_id, build_id, started_ms, end_ms, secure, memory_bytes,"
                      " disk_bytes, cpus, processes, files, metadata, env, network, mounts,"
                      " timeout_s, pauses, keeps_memory, auto_resume, paused, paused_ms,"
                      " execution_id, execution_ms, overlays"
                      " FROM sandboxes WHERE ended_ms IS NULL ORDER BY started_ms",
                      err);
    if (!s)
        return false;
    int result;
    bool ok = true;
    while (ok && (result = sqlite3_step(s)) == SQLITE_ROW) {
        struct sandbox_row row;
        ok = read_row(s, &row, err);
        if (ok)
            each(ctx, &row);
        pairs_free(&row.metadata);
        pairs_free(&row.env);
        pairs_free(&row.network);
        pairs_free(&row.mounts);
    }
    if (ok && result != SQLITE_DONE)
        ok = store_fail(store, "cannot read the sandboxes", err);
    store_reset(s);
    return ok;
}

bool store_sandbox_exists(struct store *store, const char *id, bool *exists, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "SELECT 1 FROM sandboxes WHERE id = ?", err);
    if (!s)
        return false;
    store_bind_text(s, 1, id);
    int result = sqlite3_step(s);
    *exists = result == SQLITE_ROW;
    bool ok = *exists || result == SQLITE_DONE;
    if (!ok)
        store_fail(store, "cannot look for a sandbox", err);
    store_reset(s);
    return ok;
}

bool store_sandbox_count_ended(struct store *store, int64_t before_ms, int64_t *count,
                               struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store, "SELECT count(*) FROM sandboxes WHERE ended_ms < ?", err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, before_ms);
    bool ok = sqlite3_step(s) == SQLITE_ROW || store_fail(store, "cannot count old records", err);
    *count = sqlite3_column_int64(s, 0);
    store_reset(s);
    return ok;
}

bool store_sandbox_purge(struct store *store, int64_t before_ms, struct error *err) {
    sqlite3_stmt *s = store_prepare(store, "DELETE FROM sandboxes WHERE ended_ms < ?", err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, before_ms);
    return store_run(store, s, "cannot forget old sandboxes", err);
}
