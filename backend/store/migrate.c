/* SPDX-License-Identifier: Apache-2.0
 *
 * The schema, as the steps that lead to it. A step that was released is never changed: a new one is
 * added. PRAGMA user_version counts the steps that a file has taken; each is one transaction.
 */
#include "backend/store/internal.h"

#include <stdio.h>

const char *const store_steps[] = {
    "CREATE TABLE settings ("
    "  name TEXT PRIMARY KEY,"
    "  value BLOB NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE TABLE sandboxes ("
    "  id TEXT PRIMARY KEY,"
    "  template_id TEXT NOT NULL,"
    "  build_id TEXT NOT NULL,"
    "  started_ms INTEGER NOT NULL,"
    "  end_ms INTEGER NOT NULL,"
    "  secure INTEGER NOT NULL,"
    "  memory_bytes INTEGER NOT NULL,"
    "  disk_bytes INTEGER NOT NULL,"
    "  cpus INTEGER NOT NULL,"
    "  processes INTEGER NOT NULL,"
    "  files INTEGER NOT NULL,"
    "  metadata TEXT NOT NULL," /* JSON objects of strings */
    "  env TEXT NOT NULL,"
    "  network TEXT NOT NULL,"
    "  ended_ms INTEGER," /* NULL while it lives */
    "  end_reason TEXT"
    ") WITHOUT ROWID;"
    "CREATE INDEX sandboxes_ended ON sandboxes (ended_ms) WHERE ended_ms IS NOT NULL;"
    "CREATE INDEX sandboxes_alive ON sandboxes (started_ms) WHERE ended_ms IS NULL;",

    "CREATE TABLE events ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT," /* never used again, so a reader's place stays */
    "  id TEXT NOT NULL,"
    "  type INTEGER NOT NULL,"
    "  sandbox_id TEXT NOT NULL,"
    "  template_id TEXT NOT NULL,"
    "  build_id TEXT NOT NULL,"
    "  execution_id TEXT NOT NULL,"
    "  at_ms INTEGER NOT NULL,"
    "  data TEXT" /* a JSON object; NULL: none */
    ");"
    "CREATE INDEX events_sandbox ON events (sandbox_id, seq);"
    "CREATE INDEX events_at ON events (at_ms);",

    "CREATE TABLE keys ("
    "  id TEXT PRIMARY KEY,"
    "  kind INTEGER NOT NULL,"
    "  name TEXT NOT NULL,"
    "  hash BLOB NOT NULL UNIQUE," /* SHA-256: the key itself is nowhere */
    "  head TEXT NOT NULL,"
    "  tail TEXT NOT NULL,"
    "  is_first INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  used_ms INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE TABLE secrets ("
    "  id TEXT PRIMARY KEY,"
    "  name TEXT NOT NULL UNIQUE,"
    "  version INTEGER NOT NULL,"
    "  sealed BLOB NOT NULL,"
    "  metadata TEXT NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  updated_ms INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE INDEX secrets_created ON secrets (created_ms DESC, id);"
    "CREATE TABLE volumes ("
    "  id TEXT PRIMARY KEY,"
    "  name TEXT NOT NULL UNIQUE,"
    "  created_ms INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "ALTER TABLE sandboxes ADD COLUMN mounts TEXT NOT NULL DEFAULT '{}';", /* path to volume id */

    "CREATE TABLE metric_ticks ("
    "  span_s INTEGER NOT NULL,"
    "  at_s INTEGER NOT NULL,"
    "  sandboxes INTEGER NOT NULL,"
    "  started INTEGER NOT NULL,"
    "  PRIMARY KEY (span_s, at_s)"
    ") WITHOUT ROWID;"
    "CREATE TABLE metrics ("
    "  span_s INTEGER NOT NULL,"
    "  at_s INTEGER NOT NULL," /* that of its tick */
    "  sandbox_id TEXT NOT NULL,"
    "  cpu_percent REAL NOT NULL,"
    "  cpus INTEGER NOT NULL,"
    "  memory_used INTEGER NOT NULL," /* bytes, like those below */
    "  memory_total INTEGER NOT NULL,"
    "  memory_cache INTEGER NOT NULL,"
    "  disk_used INTEGER NOT NULL,"
    "  disk_total INTEGER NOT NULL,"
    "  PRIMARY KEY (span_s, at_s, sandbox_id)"
    ") WITHOUT ROWID;",

    "CREATE INDEX events_type ON events (type);"
    "CREATE TABLE webhooks ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  id TEXT NOT NULL UNIQUE,"
    "  name TEXT NOT NULL,"
    "  url TEXT NOT NULL,"
    "  secret TEXT NOT NULL,"
    "  types INTEGER NOT NULL," /* bits: 1 << event type */
    "  enabled INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  cursor INTEGER NOT NULL,"   /* events up to here were delivered, or are in retries */
    "  failures INTEGER NOT NULL," /* since the last success */
    "  failing_ms INTEGER NOT NULL"
    ");"
    /* What was tried and did not arrive yet. */
    "CREATE TABLE retries ("
    "  webhook INTEGER NOT NULL,"
    "  event INTEGER NOT NULL,"
    "  due_ms INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL,"
    "  first_ms INTEGER NOT NULL,"
    "  PRIMARY KEY (webhook, event)"
    ") WITHOUT ROWID;"
    "CREATE INDEX retries_due ON retries (webhook, due_ms);"
    "CREATE TABLE deliveries (" /* a row an attempt */
    "  webhook INTEGER NOT NULL,"
    "  event INTEGER NOT NULL,"
    "  at_ms INTEGER NOT NULL,"
    "  id TEXT NOT NULL,"
    "  duration_ms INTEGER NOT NULL,"
    "  status INTEGER NOT NULL," /* of HTTP; 0: no answer */
    "  error INTEGER NOT NULL,"  /* enum delivery_error */
    "  message TEXT,"
    "  url TEXT NOT NULL,"
    "  response_headers TEXT,"
    "  response_body TEXT,"
    "  PRIMARY KEY (webhook, event, at_ms, id)"
    ") WITHOUT ROWID;",

    "ALTER TABLE sandboxes ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;" /* enum sandbox_paused */
    "ALTER TABLE sandboxes ADD COLUMN paused_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sandboxes ADD COLUMN timeout_s INTEGER NOT NULL DEFAULT 300;"
    "ALTER TABLE sandboxes ADD COLUMN pauses INTEGER NOT NULL DEFAULT 0;" /* at its end */
    "ALTER TABLE sandboxes ADD COLUMN keeps_memory INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE sandboxes ADD COLUMN auto_resume INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sandboxes ADD COLUMN execution_id TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE sandboxes ADD COLUMN execution_ms INTEGER NOT NULL DEFAULT 0;" /* its start */
    "ALTER TABLE sandboxes ADD COLUMN overlays TEXT NOT NULL DEFAULT '{}';"
    "CREATE TABLE templates ("
    "  id TEXT PRIMARY KEY,"
    "  kind INTEGER NOT NULL," /* enum template_kind */
    "  build_id TEXT NOT NULL,"
    "  name TEXT NOT NULL,"       /* [namespace/]alias; '': none */
    "  tag TEXT NOT NULL,"        /* '': none */
    "  sandbox_id TEXT NOT NULL," /* of which it is a snapshot */
    "  user TEXT NOT NULL,"
    "  workdir TEXT NOT NULL," /* '': the user's home */
    "  env TEXT NOT NULL,"     /* JSON, as is: */
    "  overlays TEXT NOT NULL,"
    "  created_ms INTEGER NOT NULL"
    ") WITHOUT ROWID;",

    "CREATE TABLE recipes ("
    "  id TEXT PRIMARY KEY,"
    "  name TEXT NOT NULL UNIQUE,"
    "  is_public INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  updated_ms INTEGER NOT NULL,"
    "  spawned_ms INTEGER NOT NULL," /* 0: never */
    "  spawn_count INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE TABLE builds ("
    "  id TEXT PRIMARY KEY,"
    "  recipe_id TEXT NOT NULL,"
    "  status INTEGER NOT NULL," /* enum build_status */
    "  created_ms INTEGER NOT NULL,"
    "  updated_ms INTEGER NOT NULL,"
    "  finished_ms INTEGER NOT NULL," /* 0: not yet */
    "  cpus INTEGER NOT NULL,"
    "  memory_mb INTEGER NOT NULL,"
    "  tags TEXT NOT NULL," /* JSON, as are env and overlays */
    "  start_cmd TEXT NOT NULL,"
    "  ready_cmd TEXT NOT NULL,"
    "  user TEXT NOT NULL,"
    "  workdir TEXT NOT NULL,"
    "  env TEXT NOT NULL,"
    "  overlays TEXT NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  reason_step TEXT NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE INDEX builds_recipe ON builds (recipe_id);"
    "CREATE TABLE recipe_tags ("
    "  recipe_id TEXT NOT NULL,"
    "  tag TEXT NOT NULL,"
    "  build_id TEXT NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  PRIMARY KEY (recipe_id, tag)"
    ") WITHOUT ROWID;"
    "CREATE TABLE kept_layers ("
    "  key TEXT PRIMARY KEY," /* of what made it */
    "  overlays TEXT NOT NULL,"
    "  user TEXT NOT NULL,"
    "  workdir TEXT NOT NULL,"
    "  env TEXT NOT NULL,"
    "  used_ms INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE TABLE build_lines ("
    "  build_id TEXT NOT NULL,"
    "  number INTEGER NOT NULL,"
    "  at_ms INTEGER NOT NULL,"
    "  level INTEGER NOT NULL," /* enum log_level */
    "  step TEXT NOT NULL,"
    "  message TEXT NOT NULL,"
    "  PRIMARY KEY (build_id, number)"
    ") WITHOUT ROWID;",

    /* A step as people know it, and the newest of its layers. */
    "ALTER TABLE kept_layers ADD COLUMN step TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE kept_layers ADD COLUMN layer TEXT NOT NULL DEFAULT '';",

    "DROP INDEX events_sandbox;"
    "CREATE INDEX events_sandbox ON events (sandbox_id, type);",

    "ALTER TABLE templates ADD COLUMN start_cmd TEXT NOT NULL DEFAULT '';" /* "": none */
    "ALTER TABLE templates ADD COLUMN ready_cmd TEXT NOT NULL DEFAULT '';",
};

const int store_newest = (int)ARRAY_LEN(store_steps);

static bool execute(struct store *store, const char *sql, struct error *err) {
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return store_fail(store, "cannot set up the state file", err);
}

static bool version(struct store *store, int *number, struct error *err) {
    sqlite3_stmt *statement = store_prepare(store, "PRAGMA user_version", err);
    if (!statement)
        return false;
    bool ok = sqlite3_step(statement) == SQLITE_ROW;
    *number = sqlite3_column_int(statement, 0);
    store_reset(statement);
    return ok || store_fail(store, "cannot read the version of the state file", err);
}

static bool take_step(struct store *store, int number, struct error *err) {
    char sql[64];
    snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", number + 1);
    if (!store_begin(store, err))
        return false;
    if (execute(store, store_steps[number], err) && execute(store, sql, err))
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

bool store_check_version(struct store *store, struct error *err) {
    int at = 0;
    if (!version(store, &at, err))
        return false;
    if (at <= store_newest)
        return true;
    error_set(err, ERR_UNSUPPORTED, "the state file was written by a newer version (%d > %d)", at,
              store_newest);
    return error_hint(err, "install that version, or start anew with another E2B_HOME");
}

bool store_migrate(struct store *store, struct error *err) {
    int at = 0;
    if (!version(store, &at, err))
        return false;
    for (; at < store_newest; at++)
        if (!take_step(store, at, err))
            return error_wrap(err, "step %d of the schema", at + 1);
    return true;
}
