/* SPDX-License-Identifier: Apache-2.0
 *
 * State files of every older version, each with a row in every table: opened by this one they have
 * today's schema and the same rows. One of a newer version is refused and left as it is.
 */
#include "backend/store/internal.h"
#include "backend/store/sandboxes.h"
#include "common/io.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char dir[64], path[96];
static struct error err;

static void set_up(void) {
    snprintf(dir, sizeof(dir), "/tmp/e2b-migrate-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/state.db", dir);
    err = (struct error)ERROR_INIT;
}

static void tear_down(void) {
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static void run(sqlite3 *db, const char *sql) {
    char *said = NULL;
    sqlite3_exec(db, sql, NULL, NULL, &said);
    ck_assert_msg(!said, "%s: %s", sql, said);
}

/* The rows that a query has, one a line. */
static void ask(sqlite3 *db, const char *sql, struct buf *answer) {
    sqlite3_stmt *s;
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db));
    while (sqlite3_step(s) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(s); i++)
            ck_assert(buf_printf(answer, "%s|", (const char *)sqlite3_column_text(s, i)));
        ck_assert(buf_printf(answer, "\n"));
    }
    sqlite3_finalize(s);
}

static const char columns[] =
    "SELECT t.name, group_concat(c.name), group_concat(CASE c.type"
    " WHEN 'TEXT' THEN '''{}''' WHEN 'BLOB' THEN 'x''2a''' ELSE 7 END)"
    " FROM sqlite_schema t, pragma_table_info(t.name) c"
    " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' GROUP BY t.name";

/* For each table of now: a row into it, and the query that finds its columns again. */
static void fill(sqlite3 *db, struct buf *queries) {
    sqlite3_stmt *s;
    ck_assert_int_eq(sqlite3_prepare_v2(db, columns, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(s, 0);
        const char *names = (const char *)sqlite3_column_text(s, 1);
        char insert[2048];
        snprintf(insert, sizeof(insert), "INSERT INTO %s (%s) VALUES (%s)", table, names,
                 (const char *)sqlite3_column_text(s, 2));
        run(db, insert);
        ck_assert(buf_printf(queries, "SELECT '%s', %s FROM %s;", table, names, table));
    }
    sqlite3_finalize(s);
}

static void ask_all(sqlite3 *db, const struct buf *queries, struct buf *answer) {
    cleanup_free char *text = strndup(queries->data, queries->len);
    for (char *rest = text, *one; (one = strsep(&rest, ";")) && *one;)
        ask(db, one, answer);
}

static sqlite3 *make_old(int version) {
    sqlite3 *db;
    char sql[64];
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    run(db, "PRAGMA synchronous = OFF");
    for (int i = 0; i < version; i++)
        run(db, store_steps[i]);
    snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
    run(db, sql);
    return db;
}

static void count_row(void *ctx, struct sandbox_row *row) {
    ck_assert_str_eq(row->id, "{}");
    ++*(int *)ctx;
}

static const char schema[] = "SELECT type, name, sql FROM sqlite_schema ORDER BY name";

START_TEST(an_older_file_keeps_its_rows) {
    cleanup_buf struct buf queries = BUF_INIT(65536), before = BUF_INIT(65536),
                           after = BUF_INIT(65536), wanted = BUF_INIT(65536), has = BUF_INIT(65536);
    sqlite3 *db = make_old(store_newest);
    ask(db, schema, &wanted);
    sqlite3_close(db);
    ck_assert_int_eq(unlink(path), 0);

    db = make_old(_i);
    fill(db, &queries);
    run(db, "UPDATE sandboxes SET ended_ms = NULL"); /* the one that is there lives */
    ask_all(db, &queries, &before);
    sqlite3_close(db);

    struct store *store = store_open(path, &err);
    ck_assert_msg(store, "%s", err.message);
    ask_all(store->db, &queries, &after);
    ck_assert_uint_gt(before.len, 0);
    ck_assert_str_eq(before.data, after.data);
    ask(store->db, schema, &has);
    ck_assert_str_eq(has.data, wanted.data);
    int alive = 0;
    ck_assert_msg(store_sandbox_each_alive(store, count_row, &alive, &err), "%s", err.message);
    ck_assert_int_eq(alive, 1);
    has.len = 0;
    ask(store->db, "PRAGMA integrity_check", &has);
    ask(store->db, "PRAGMA user_version", &has);
    char end[32];
    snprintf(end, sizeof(end), "ok|\n%d|\n", store_newest);
    ck_assert_str_eq(has.data, end);
    store_close(store);
}
END_TEST

/* As a file that is written at once, and as one with a log beside it. */
START_TEST(a_newer_file_is_left_as_it_is) {
    cleanup_buf struct buf before = BUF_INIT(1 << 20), after = BUF_INIT(1 << 20);
    struct stat st;
    char log[128];
    sqlite3 *db = make_old(store_newest);
    run(db, _i ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode = DELETE");
    run(db, "PRAGMA user_version = 999; CREATE TABLE of_tomorrow (x)");
    sqlite3_close(db);
    ck_assert(io_read_file(path, &before, &err));
    ck_assert_ptr_null(store_open(path, &err));
    ck_assert_int_eq(err.kind, ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "newer version (999 > "));
    ck_assert_ptr_nonnull(strstr(err.hint, "install that version"));
    ck_assert(io_read_file(path, &after, &err));
    ck_assert_uint_eq(before.len, after.len);
    ck_assert_int_eq(memcmp(before.data, after.data, before.len), 0);
    snprintf(log, sizeof(log), "%s-wal", path);
    ck_assert_int_eq(stat(log, &st), -1);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("migrate");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, an_older_file_keeps_its_rows, 1, store_newest + 1);
    tcase_add_loop_test(cases, a_newer_file_is_left_as_it_is, 0, 2);
    return unit_run("migrate", cases);
}
