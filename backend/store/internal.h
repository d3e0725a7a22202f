/* SPDX-License-Identifier: Apache-2.0
 *
 * What the table families share: prepared statements, kept for the life of the store and found by
 * the address of their text, and SQLite's results as errors.
 */
#ifndef E2B_STORE_INTERNAL_H
#define E2B_STORE_INTERNAL_H

#include "backend/store/pairs.h"
#include "backend/store/store.h"

#include <sqlite3.h>

enum { STORE_MAX_STATEMENTS = 256 };

struct store {
    sqlite3 *db;
    void (*checkpoint_due)(void *ctx);
    void *checkpoint_ctx;
    void (*events_written)(void *ctx);
    void *events_ctx;
    bool has_events; /* the transaction inserted some */
    struct store_statement {
        const char *sql;
        sqlite3_stmt *statement;
    } statements[STORE_MAX_STATEMENTS];
    size_t statement_count;
};

/* Ready to be bound; `sql` must be static. Give it back with store_reset. */
sqlite3_stmt *store_prepare(struct store *store, const char *sql, struct error *err);
void store_reset(sqlite3_stmt *statement);
/* Steps to the end of a statement without rows and resets it; `what` begins the error's text. */
bool store_run(struct store *store, sqlite3_stmt *statement, const char *what, struct error *err);
/* The same; a value that has to be unique and is not is ERR_CONFLICT. */
bool store_run_unique(struct store *store, sqlite3_stmt *statement, const char *what,
                      struct error *err);
bool store_fail(struct store *store, const char *what, struct error *err);

void store_bind_text(sqlite3_stmt *statement, int at, const char *text); /* borrowed; may be NULL */
/* As a JSON object; false: no memory. */
bool store_bind_pairs(sqlite3_stmt *statement, int at, const struct pairs *pairs);
bool store_column_pairs(sqlite3_stmt *statement, int at, struct pairs *pairs, struct error *err);

/* The schema, as the steps that lead to it, and how many they are. */
extern const char *const store_steps[];
extern const int store_newest;
/* False when the file is damaged or of a newer version; nothing is written. */
bool store_check_version(struct store *store, struct error *err);
bool store_migrate(struct store *store, struct error *err);

#endif
