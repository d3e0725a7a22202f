/* SPDX-License-Identifier: Apache-2.0
 *
 * The state file: what is in it after a restart, who can read it, what happens when it is damaged,
 * locked, or the disk is full.
 */
#include "backend/store/events.h"
#include "backend/store/sandboxes.h"
#include "common/io.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[64], path[96];
static struct store *store;
static struct error err;

static void open_store(void) {
    err = (struct error)ERROR_INIT;
    store = store_open(path, &err);
    ck_assert_msg(store != NULL, "%s", err.message);
}

static void set_up(void) {
    snprintf(dir, sizeof(dir), "/tmp/e2b-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/state.db", dir);
    open_store();
}

static void tear_down(void) {
    char command[128];
    if (store)
        store_close(store);
    store = NULL;
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static struct sandbox_row row(const char *id, int64_t started_ms) {
    return (struct sandbox_row){.id = id,
                                .template_id = "t",
                                .build_id = "b",
                                .started_ms = started_ms,
                                .end_ms = started_ms + 1000,
                                .secure = true,
                                .memory_bytes = 3ULL << 30,
                                .cpus = 2,
                                .execution_id = "x",
                                .overlays = "{}"};
}

static void insert(const char *id, int64_t started_ms) {
    struct sandbox_row r = row(id, started_ms);
    ck_assert_msg(store_sandbox_insert(store, &r, &err), "%s", err.message);
}

struct seen {
    char ids[256];
    struct sandbox_row last;
    struct pairs metadata;
};

static void on_row(void *ctx, struct sandbox_row *r) {
    struct seen *seen = ctx;
    strcat(seen->ids, r->id);
    strcat(seen->ids, " ");
    seen->last = *r;
    pairs_free(&seen->metadata);
    seen->metadata = r->metadata;
    r->metadata = (struct pairs){NULL, 0};
}

static struct seen look(void) {
    struct seen seen = {.ids = ""};
    ck_assert_msg(store_sandbox_each_alive(store, on_row, &seen, &err), "%s", err.message);
    return seen;
}

START_TEST(rows_survive_a_restart) {
    struct sandbox_row r = row("a", 5);
    pairs_put(&r.metadata, "user id", "ä&b");
    pairs_put(&r.env, "A", "");
    ck_assert(store_sandbox_insert(store, &r, &err));
    pairs_free(&r.metadata);
    pairs_free(&r.env);
    store_close(store);
    open_store();
    struct seen seen = look();
    ck_assert_str_eq(seen.ids, "a ");
    ck_assert(seen.last.secure);
    ck_assert_uint_eq(seen.last.memory_bytes, 3ULL << 30);
    ck_assert_int_eq(seen.last.end_ms, 1005);
    ck_assert_str_eq(pairs_get(&seen.metadata, "user id"), "ä&b");
    pairs_free(&seen.metadata);
}
END_TEST

START_TEST(what_is_given_up_without_memory_is_given_up) {
    struct sandbox_row r = row("a", 5);
    ck_assert(store_begin(store, &err));
    ck_assert(store_sandbox_insert(store, &r, &err));
    sqlite3_hard_heap_limit64(1);
    store_rollback(store);
    sqlite3_hard_heap_limit64(0);
    ck_assert_msg(store_begin(store, &err), "%s", err.message);
    ck_assert(store_sandbox_insert(store, &r, &err) && store_commit(store, &err));
}
END_TEST

START_TEST(only_the_living_are_listed_oldest_first) {
    insert("young", 9);
    insert("old", 1);
    insert("dead", 5);
    ck_assert(store_sandbox_ended(store, "dead", 6, "timeout", &err));
    ck_assert(store_sandbox_set_end(store, "young", 77, &err));
    struct seen seen = look();
    ck_assert_str_eq(seen.ids, "old young ");
    ck_assert_int_eq(seen.last.end_ms, 77);
}
END_TEST

START_TEST(the_ended_are_forgotten_in_time) {
    insert("dead", 5);
    insert("alive", 5);
    ck_assert(store_sandbox_ended(store, "dead", 100, "request", &err));
    ck_assert(store_sandbox_purge(store, 100, &err));
    struct sandbox_row again = row("dead", 1);
    ck_assert(!store_sandbox_insert(store, &again, &err));
    ck_assert(store_sandbox_purge(store, 101, &err));
    ck_assert(store_sandbox_insert(store, &again, &err));
    ck_assert_str_eq(look().ids, "dead alive ");
}
END_TEST

START_TEST(what_was_not_committed_is_not_there) {
    ck_assert(store_begin(store, &err));
    insert("a", 1);
    store_rollback(store);
    ck_assert_str_eq(look().ids, "");
    ck_assert(store_begin(store, &err));
    insert("b", 1);
    ck_assert(store_commit(store, &err));
    ck_assert_str_eq(look().ids, "b ");
}
END_TEST

static int count_events(void) {
    sqlite3 *db;
    sqlite3_stmt *s;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM events", -1, &s, NULL), 0);
    ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
    int count = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return count;
}

START_TEST(an_event_is_there_when_its_change_is) {
    const struct event_row event = {.id = "e",
                                    .type = EVENT_CREATED,
                                    .sandbox_id = "a",
                                    .template_id = "t",
                                    .build_id = "b",
                                    .execution_id = "x",
                                    .at_ms = 1};
    ck_assert(store_begin(store, &err));
    insert("a", 1);
    ck_assert(store_event_insert(store, &event, &err));
    store_rollback(store);
    ck_assert_int_eq(count_events(), 0);
    ck_assert(store_begin(store, &err));
    insert("a", 1);
    ck_assert(store_event_insert(store, &event, &err));
    ck_assert(store_commit(store, &err));
    ck_assert_int_eq(count_events(), 1);
}
END_TEST

START_TEST(event_types_have_the_names_of_the_contract) {
    for (enum event_type type = EVENT_CREATED; type < EVENT_TYPES; type++)
        ck_assert_uint_eq(event_type_parse(event_type_name(type)), type);
    ck_assert_uint_eq(event_type_parse("sandbox.lifecycle.paused"), EVENT_PAUSED);
    ck_assert_uint_eq(event_type_parse("sandbox.lifecycle"), 0);
}
END_TEST

/* The child commits, tells so, and is killed before it can close anything. */
START_TEST(what_was_committed_survives_kill_9) {
    store_close(store);
    store = NULL;
    int told[2];
    ck_assert_int_eq(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        open_store();
        for (int i = 0; i < 50; i++) {
            char id[8];
            snprintf(id, sizeof(id), "s%02d", i);
            insert(id, i);
        }
        (void)!write(told[1], "x", 1);
        raise(SIGKILL);
    }
    char byte;
    ck_assert_int_eq(read(told[0], &byte, 1), 1);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    open_store();
    ck_assert_uint_eq(strlen(look().ids), 50 * 4);
    close(told[0]);
    close(told[1]);
}
END_TEST

static void on_due(void *ctx) {
    *(unsigned *)ctx += 1;
}

static off_t size_of(const char *suffix) {
    char file[128];
    struct stat st;
    snprintf(file, sizeof(file), "%s%s", path, suffix);
    return stat(file, &st) == 0 ? st.st_size : 0;
}

/* The log starts anew once all of it has been moved, so it stops growing. */
START_TEST(the_log_is_moved_when_told) {
    unsigned due = 0;
    store_on_checkpoint_due(store, on_due, &due);
    for (int i = 0; !due; i++) {
        char id[16];
        ck_assert_int_lt(i, 5000);
        snprintf(id, sizeof(id), "s%04d", i);
        insert(id, i);
    }
    off_t log = size_of("-wal"), file = size_of("");
    ck_assert_str_eq(store_path(store), path);
    store_checkpoint(path);
    ck_assert_int_gt(size_of(""), file);
    insert("one-more", 1);
    ck_assert_int_eq(size_of("-wal"), log);
    ck_assert_uint_eq(due, 1);
}
END_TEST

START_TEST(settings_are_kept_by_size) {
    char value[4];
    bool found = true;
    ck_assert(store_setting_get(store, "seed", value, sizeof(value), &found, &err));
    ck_assert(!found);
    ck_assert(store_setting_put(store, "seed", "abc", 4, &err));
    ck_assert(store_setting_put(store, "seed", "xyz", 4, &err));
    ck_assert(store_setting_get(store, "seed", value, sizeof(value), &found, &err));
    ck_assert(found);
    ck_assert_str_eq(value, "xyz");
    ck_assert(!store_setting_get(store, "seed", value, 2, &found, &err));
}
END_TEST

START_TEST(nobody_else_can_read_it) {
    struct stat st;
    insert("a", 1); /* makes the -wal */
    char wal[128];
    snprintf(wal, sizeof(wal), "%s-wal", path);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(stat(wal, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(damage_is_told_with_what_to_do) {
    store_close(store);
    store = NULL;
    ck_assert(io_write_file(path, "this is no database, whatever its name says", 43, 0600, &err));
    ck_assert_ptr_null(store_open(path, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "damaged"));
    ck_assert_ptr_nonnull(strstr(err.hint, "state.db"));
}
END_TEST

START_TEST(a_locked_file_is_unavailable) {
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct sandbox_row r = row("a", 1);
    ck_assert(!store_sandbox_insert(store, &r, &err));
    ck_assert_int_eq(err.kind, ERR_UNAVAILABLE);
    sqlite3_close(db);
    ck_assert(store_sandbox_insert(store, &r, &err));
}
END_TEST

/* A limit on file sizes makes writes fail as a full disk does; the store must stay usable. */
START_TEST(a_full_disk_is_told_and_survived) {
    struct sandbox_row big = row("big", 1);
    char *text = malloc(1 << 20);
    memset(text, 'x', (1 << 20) - 1);
    text[(1 << 20) - 1] = '\0';
    pairs_put(&big.metadata, "k", text);
    struct rlimit limit, old;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    limit = old;
    limit.rlim_cur = 256 << 10;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    bool written = store_sandbox_insert(store, &big, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert(!written);
    ck_assert(err.kind == ERR_NO_SPACE || err.kind == ERR_INTERNAL);
    insert("small", 2);
    ck_assert_str_eq(look().ids, "small ");
    pairs_free(&big.metadata);
    free(text);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("store");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, rows_survive_a_restart);
    tcase_add_test(cases, what_is_given_up_without_memory_is_given_up);
    tcase_add_test(cases, only_the_living_are_listed_oldest_first);
    tcase_add_test(cases, the_ended_are_forgotten_in_time);
    tcase_add_test(cases, what_was_not_committed_is_not_there);
    tcase_add_test(cases, an_event_is_there_when_its_change_is);
    tcase_add_test(cases, event_types_have_the_names_of_the_contract);
    tcase_add_test(cases, what_was_committed_survives_kill_9);
    tcase_add_test(cases, the_log_is_moved_when_told);
    tcase_add_test(cases, settings_are_kept_by_size);
    tcase_add_test(cases, nobody_else_can_read_it);
    tcase_add_test(cases, damage_is_told_with_what_to_do);
    tcase_add_test(cases, a_locked_file_is_unavailable);
    tcase_add_test(cases, a_full_disk_is_told_and_survived);
    return unit_run("store", cases);
}
