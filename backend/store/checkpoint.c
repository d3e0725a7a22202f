/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/store/internal.h"

enum {
    DUE_PAGES = 1000,
    URGENT_PAGES = 20000, /* nobody did it: better a pause than a log without end */
};

static int on_commit(void *ctx, sqlite3 *db, const char *name, int pages) {
    struct store *store = ctx;
    if (pages >= URGENT_PAGES)
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    else if (pages >= DUE_PAGES)
        store->checkpoint_due(store->checkpoint_ctx);
    return SQLITE_OK;
}

void store_on_checkpoint_due(struct store *store, void (*due)(void *ctx), void *ctx) {
    store->checkpoint_due = due;
    store->checkpoint_ctx = ctx;
    sqlite3_wal_hook(store->db, on_commit, store);
}

const char *store_path(const struct store *store) {
    return sqlite3_db_filename(store->db, "main");
}

/* On a connection of its own, which stops neither readers nor writers of the other one. As a
 * statement, because only reading the schema lets a new connection find the log. */
void store_checkpoint(const char *path) {
    sqlite3 *db;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
        sqlite3_exec(db, "PRAGMA wal_checkpoint(PASSIVE)", NULL, NULL, NULL);
    sqlite3_close(db);
}
