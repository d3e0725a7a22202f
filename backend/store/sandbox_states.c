/* SPDX-License-Identifier: Apache-2.0
 *
 * The states that a sandbox's row goes through after its creation.
 */
#include "backend/store/internal.h"
#include "backend/store/sandboxes.h"

#include <stdio.h>

bool store_sandbox_paused(struct store *store, const char *id, enum sandbox_paused paused,
                          int64_t paused_ms, struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store, "UPDATE sandboxes SET paused = ?, paused_ms = ? WHERE id = ?", err);
    if (!s)
        return false;
    sqlite3_bind_int(s, 1, (int)paused);
    sqlite3_bind_int64(s, 2, paused_ms);
    store_bind_text(s, 3, id);
    return store_run(store, s, "cannot record the sandbox's pause", err);
}

bool store_sandbox_resumed(struct store *store, const struct sandbox_row *row, struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "UPDATE sandboxes SET paused = 0, execution_id = ?,"
                                    " execution_ms = ?, end_ms = ?, pauses = ? WHERE id = ?",
                                    err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->execution_id);
    sqlite3_bind_int64(s, 2, row->execution_ms);
    sqlite3_bind_int64(s, 3, row->end_ms);
    sqlite3_bind_int(s, 4, row->pauses);
    store_bind_text(s, 5, row->id);
    return store_run(store, s, "cannot record that the sandbox goes on", err);
}

bool store_sandbox_tombstone(struct store *store, const char *id,
                             struct sandbox_tombstone *tombstone, bool *found, struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store, "SELECT ended_ms, end_reason FROM sandboxes WHERE id = ? AND ended_ms IS NOT NULL",
        err);
    if (!s)
        return false;
    store_bind_text(s, 1, id);
    int result = sqlite3_step(s);
    *found = result == SQLITE_ROW;
    bool ok = *found || result == SQLITE_DONE;
    if (!ok)
        store_fail(store, "cannot look for a sandbox", err);
    const char *reason = *found ? (const char *)sqlite3_column_text(s, 1) : NULL;
    tombstone->ended_ms = *found ? sqlite3_column_int64(s, 0) : 0;
    snprintf(tombstone->reason, sizeof(tombstone->reason), "%s", reason ? reason : "");
    store_reset(s);
    return ok;
}
