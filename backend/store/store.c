/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { BUSY_MS = 250 }; /* the loop stands still meanwhile */

bool store_fail(struct store *store, const char *what, struct error *err) {
    int result = sqlite3_errcode(store->db), cause = sqlite3_system_errno(store->db);
    if (result == SQLITE_IOERR && (cause == ENOSPC || cause == EDQUOT))
        result = SQLITE_FULL;
    switch (result) {
    case SQLITE_FULL:
        error_set(err, ERR_NO_SPACE, "%s: the disk is full", what);
        return error_hint(
            err,
            "free some space where %s is: kill a sandbox that is not needed, delete a "
            "snapshot, or try `e2b local gc`",
            store_path(store));
    case SQLITE_NOMEM:
        return error_errno(err, ENOMEM, "%s", what);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        error_set(err, ERR_UNAVAILABLE, "%s: another program has locked the state file", what);
        return error_hint(err, "close whatever else has state.db open");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        error_set(err, ERR_INTERNAL, "%s: the state file is damaged", what);
        return error_hint(err, "move %s away to start without what it held", store_path(store));
    case SQLITE_ERROR: /* its tables are not those that we make */
        error_set(err, ERR_INTERNAL, "%s: %s", what, sqlite3_errmsg(store->db));
        return error_hint(err, "move %s away to start without what it held", store_path(store));
    default:
        return error_set(err, ERR_INTERNAL, "%s: %s", what, sqlite3_errmsg(store->db));
    }
}

sqlite3_stmt *store_prepare(struct store *store, const char *sql, struct error *err) {
    for (size_t i = 0; i < store->statement_count; i++)
        if (store->statements[i].sql == sql)
            return store->statements[i].statement;
    if (store->statement_count == STORE_MAX_STATEMENTS) {
        error_set(err, ERR_INTERNAL, "too many prepared statements");
        return NULL;
    }
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
        SQLITE_OK) {
        store_fail(store, "cannot use the state file", err);
        return NULL;
    }
    store->statements[store->statement_count++] =
        (struct store_statement){.sql = sql, .statement = statement};
    return statement;
}

void store_reset(sqlite3_stmt *statement) {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

bool store_run(struct store *store, sqlite3_stmt *statement, const char *what, struct error *err) {
    bool ok = sqlite3_step(statement) == SQLITE_DONE;
    if (!ok)
        store_fail(store, what, err);
    store_reset(statement);
    return ok;
}

bool store_run_unique(struct store *store, sqlite3_stmt *statement, const char *what,
                      struct error *err) {
    if (store_run(store, statement, what, err))
        return true;
    if (sqlite3_errcode(store->db) == SQLITE_CONSTRAINT)
        error_set(err, ERR_CONFLICT, "%s: there is one already", what);
    return false;
}

void store_bind_text(sqlite3_stmt *statement, int at, const char *text) {
    if (text)
        sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

bool store_bind_pairs(sqlite3_stmt *statement, int at, const struct pairs *pairs) {
    cleanup_json json_t *object = pairs_to_json(pairs);
    char *text = json_dumps(object, JSON_COMPACT);
    if (!text)
        return false;
    sqlite3_bind_text(statement, at, text, -1, free); /* freed by SQLite */
    return true;
}

bool store_column_pairs(sqlite3_stmt *s, int at, struct pairs *pairs, struct error *err) {
    const char *text = (const char *)sqlite3_column_text(s, at);
    cleanup_json json_t *object =
        json_parse(text ? text : "", (size_t)sqlite3_column_bytes(s, at), err);
    if (!object)
        return error_wrap(err, "the state file holds broken pairs");
    return pairs_from_json(pairs, object) ||
           error_set(err, ERR_INTERNAL, "the state file holds broken pairs");
}

static bool run_text(struct store *store, const char *sql, const char *what, struct error *err) {
    sqlite3_stmt *statement = store_prepare(store, sql, err);
    return statement && store_run(store, statement, what, err);
}

static const char begin_text[] = "BEGIN IMMEDIATE", commit_text[] = "COMMIT",
                  rollback_text[] = "ROLLBACK";

/* One that cannot be ended for want of memory would take in all that is written later. */
static bool prepare_transactions(struct store *store, struct error *err) {
    return store_prepare(store, begin_text, err) && store_prepare(store, commit_text, err) &&
           store_prepare(store, rollback_text, err);
}

bool store_begin(struct store *store, struct error *err) {
    if (!sqlite3_get_autocommit(store->db))
        store_rollback(store);
    if (run_text(store, begin_text, "cannot write the state", err))
        return true;
    store_rollback(store);
    return false;
}

bool store_commit(struct store *store, struct error *err) {
    if (!run_text(store, commit_text, "cannot write the state", err)) {
        store_rollback(store);
        return false;
    }
    if (store->has_events && store->events_written)
        store->events_written(store->events_ctx);
    store->has_events = false;
    return true;
}

void store_rollback(struct store *store) {
    struct error ignored = ERROR_INIT;
    store->has_events = false;
    /* A full disk may have rolled back already. */
    if (!sqlite3_get_autocommit(store->db))
        run_text(store, rollback_text, "cannot write the state", &ignored);
}

static bool pragmas(struct store *store, struct error *err) {
    if (sqlite3_exec(store->db,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                     "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;",
                     NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return store_fail(store, "cannot open the state file", err);
}

static bool check_integrity(struct store *store, struct error *err) {
    sqlite3_stmt *statement = store_prepare(store, "PRAGMA quick_check(1)", err);
    if (!statement)
        return false;
    bool ok = sqlite3_step(statement) == SQLITE_ROW;
    const char *verdict = ok ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    ok = verdict && strcmp(verdict, "ok") == 0;
    if (!ok) {
        error_set(err, ERR_INTERNAL, "the state file is damaged: %s",
                  verdict ? verdict : sqlite3_errmsg(store->db));
        error_hint(err, "move state.db away to start without what it held");
    }
    store_reset(statement);
    return ok;
}

/* SQLite would create it by the umask; its -wal and -shm take after it. */
static bool create_private(const char *path, struct error *err) {
    cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fchmod(fd, 0600) < 0)
        return error_errno(err, errno, "cannot open %s", path);
    return true;
}

static struct store *connect_to(const char *path, int flags, struct error *err) {
    struct store *store = calloc(1, sizeof(*store));
    if (!store) {
        error_errno(err, ENOMEM, "cannot open %s", path);
        return NULL;
    }
    if (sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        store_fail(store, "cannot open the state file", err);
        store_close(store);
        return NULL;
    }
    sqlite3_busy_timeout(store->db, BUSY_MS);
    return store;
}

struct store *store_open(const char *path, struct error *err) {
    struct store *store =
        create_private(path, err) ? connect_to(path, SQLITE_OPEN_READWRITE, err) : NULL;
    if (!store ||
        (store_check_version(store, err) && pragmas(store, err) && check_integrity(store, err) &&
         prepare_transactions(store, err) && store_migrate(store, err)))
        return store;
    store_close(store);
    return NULL;
}

struct store *store_open_reader(const char *path, struct error *err) {
    return connect_to(path, SQLITE_OPEN_READONLY, err);
}

void store_close(struct store *store) {
    for (size_t i = 0; i < store->statement_count; i++)
        sqlite3_finalize(store->statements[i].statement);
    sqlite3_close(store->db);
    free(store);
}

bool store_setting_get(struct store *store, const char *name, void *value, size_t size, bool *found,
                       struct error *err) {
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT value FROM settings WHERE name = ?", err);
    if (!statement)
        return false;
    store_bind_text(statement, 1, name);
    int result = sqlite3_step(statement);
    *found = result == SQLITE_ROW;
    bool ok = *found || result == SQLITE_DONE;
    if (!ok) {
        store_fail(store, "cannot read a setting", err);
    } else if (*found && (size_t)sqlite3_column_bytes(statement, 0) != size) {
        ok = error_set(err, ERR_INTERNAL, "the setting '%s' has a wrong size", name);
    } else if (*found) {
        memcpy(value, sqlite3_column_blob(statement, 0), size);
    }
    store_reset(statement);
    return ok;
}

bool store_setting_put(struct store *store, const char *name, const void *value, size_t size,
                       struct error *err) {
    sqlite3_stmt *statement = store_prepare(
        store,
        "INSERT INTO settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", err);
    if (!statement)
        return false;
    store_bind_text(statement, 1, name);
    sqlite3_bind_blob64(statement, 2, value, size, SQLITE_STATIC);
    return store_run(store, statement, "cannot write a setting", err);
}
