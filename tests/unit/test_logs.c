/* SPDX-License-Identifier: Apache-2.0
 *
 * The log of a sandbox: what was put in comes out, in order; it stops growing; what is damaged is
 * stepped over; and pages miss nothing and repeat nothing.
 */
#include "backend/core/logs_internal.h"
#include "common/io.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char path[64];
static int dir;
static struct error err;

static void set_up(void) {
    err = (struct error)ERROR_INIT;
    snprintf(path, sizeof(path), "/tmp/e2b-logs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void tear_down(void) {
    char command[128];
    close(dir);
    snprintf(command, sizeof(command), "rm -rf %s", path);
    ck_assert_int_eq(system(command), 0);
}

/* One line a batch: text is its number, level goes round. */
static void put(const char *log, int64_t at_ms, int number, const char *filling) {
    char text[LOG_RING_LINE + 64];
    cleanup_buf struct buf batch = BUF_INIT(64 << 10);
    int len = snprintf(text, sizeof(text), "%d %s", number, filling);
    const struct log_record record = {.at_ms = at_ms,
                                      .level = (enum log_level)(number % 4),
                                      .source = LOG_OF_STDOUT,
                                      .pid = number,
                                      .text = text,
                                      .len = (size_t)len};
    ck_assert(log_ring_encode(&batch, &record));
    ck_assert_msg(log_ring_append(dir, log, &batch, &err), "%s", err.message);
}

static struct log_content content;

static void read_log(const char *log) {
    ck_assert_msg(log_ring_read(dir, log, &content, &err), "%s", err.message);
}

static int number_of(size_t i) {
    return (int)strtol(content.records[i].text, NULL, 10);
}

static int64_t file_size(const char *name) {
    struct stat st;
    return fstatat(dir, name, &st, 0) < 0 ? -1 : st.st_size;
}

START_TEST(comes_out_as_it_went_in) {
    put("a", 1000, 7, "seven");
    put("a", 1001, 8, "");
    put("b", 5, 1, "another's");
    read_log("a");
    ck_assert_uint_eq(content.count, 2);
    ck_assert_int_eq(content.records[0].at_ms, 1000);
    ck_assert_int_eq(content.records[0].pid, 7);
    ck_assert_int_eq(content.records[0].level, LOG_ERROR);
    ck_assert_int_eq(content.records[0].source, LOG_OF_STDOUT);
    ck_assert_uint_eq(content.records[0].len, 7);
    ck_assert_mem_eq(content.records[0].text, "7 seven", 7);
    log_content_free(&content);
    read_log("nobody");
    ck_assert_uint_eq(content.count, 0);
    log_content_free(&content);
}
END_TEST

START_TEST(wraps_around_and_stops_growing) {
    char filling[1000];
    enum { LINES = 3000 }; /* of 1 KiB: a ring holds at most 1024 */
    memset(filling, 'x', sizeof(filling) - 1);
    filling[sizeof(filling) - 1] = '\0';
    for (int i = 0; i < LINES; i++)
        put("a", i, i, filling);
    ck_assert_int_le(file_size("a.log"), LOG_RING_SEGMENT);
    ck_assert_int_le(file_size("a.old"), LOG_RING_SEGMENT);
    read_log("a");
    ck_assert_uint_ge(content.count, 500);
    ck_assert_uint_le(content.count, 1024);
    for (size_t i = 0; i < content.count; i++)
        ck_assert_int_eq(number_of(i), LINES - (int)content.count + (int)i);
    log_content_free(&content);
}
END_TEST

START_TEST(damage_takes_only_what_it_hits) {
    for (int i = 0; i < 10; i++)
        put("a", i, i, "some text");
    int fd = openat(dir, "a.log", O_RDWR);
    int64_t line = file_size("a.log") / 10;
    ck_assert_int_eq(pwrite(fd, "!", 1, 3 * line + LOG_RING_HEAD + 2), 1); /* text */
    ck_assert_int_eq(pwrite(fd, "\xff\xff", 2, 5 * line + 20), 2);         /* length */
    ck_assert_int_eq(pwrite(fd, "2", 1, 7 * line), 1);                     /* mark */
    ck_assert_int_eq(ftruncate(fd, 10 * line - 5), 0);                     /* a torn end, */
    close(fd);
    put("a", 10, 10, "and what came after it");
    read_log("a");
    static const int left[] = {0, 1, 2, 4, 6, 8, 10};
    ck_assert_uint_eq(content.count, ARRAY_LEN(left));
    for (size_t i = 0; i < ARRAY_LEN(left); i++)
        ck_assert_int_eq(number_of(i), left[i]);
    log_content_free(&content);
}
END_TEST

START_TEST(noise_is_no_log) {
    char noise[70000];
    int fd = openat(dir, "a.log", O_RDWR | O_CREAT, 0600);
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)(i * i * 31 + i / 7);
    memcpy(noise + 100, "E2G1", 4); /* heads that promise more than there is */
    memcpy(noise + sizeof(noise) - 10, "E2G1", 4);
    ck_assert(io_write_all(fd, noise, sizeof(noise)));
    close(fd);
    read_log("a");
    ck_assert_uint_eq(content.count, 0);
    log_content_free(&content);
}
END_TEST

START_TEST(too_long_a_line_is_cut) {
    char filling[LOG_RING_LINE + 1];
    memset(filling, 'y', LOG_RING_LINE);
    filling[LOG_RING_LINE] = '\0';
    put("a", 1, 1, filling);
    read_log("a");
    ck_assert_uint_eq(content.records[0].len, LOG_RING_LINE);
    log_content_free(&content);
}
END_TEST

static void set_age(const char *name, int64_t written_s) {
    const struct timespec times[2] = {{.tv_sec = written_s}, {.tv_sec = written_s}};
    ck_assert_int_eq(utimensat(dir, name, times, 0), 0);
}

START_TEST(old_logs_are_collected_and_the_oldest_beyond_the_limit) {
    char name[16];
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof(name), "l%d", i);
        put(name, 1, 1, "text");
        snprintf(name, sizeof(name), "l%d.log", i);
        set_age(name, 1000 + i);
    }
    log_ring_collect(dir, 1002, INT64_MAX);
    ck_assert_int_lt(file_size("l1.log"), 0);
    ck_assert_int_gt(file_size("l2.log"), 0);
    struct stat st;
    ck_assert_int_eq(fstatat(dir, "l5.log", &st, 0), 0);
    log_ring_collect(dir, 0, st.st_blocks * 512 * 2); /* room for two */
    ck_assert_int_lt(file_size("l3.log"), 0);
    ck_assert_int_gt(file_size("l4.log"), 0);
    ck_assert_int_gt(file_size("l5.log"), 0);
}
END_TEST

/* ---- pages ---- */

/* Lines 0..count-1, several of them in each millisecond. */
static void make_lines(size_t count) {
    content =
        (struct log_content){.records = calloc(count, sizeof(struct log_record)), .count = count};
    static char texts[1000][16];
    for (size_t i = 0; i < count; i++) {
        int len = snprintf(texts[i], sizeof(texts[i]), "%zu", i);
        content.records[i] = (struct log_record){.at_ms = 100 + (int64_t)(i * 7 / 20),
                                                 .level = (enum log_level)(i % 4),
                                                 .text = texts[i],
                                                 .len = (size_t)len};
    }
}

START_TEST(pages_are_complete_and_without_repeats) {
    for (size_t limit = 3; limit < 40; limit += 6)
        for (int backward = 0; backward < 2; backward++) {
            struct log_query query = {
                .before_ms = INT64_MAX, .limit = limit, .backward = backward == 1};
            int next = backward ? 199 : 0, step = backward ? -1 : 1;
            for (;;) {
                make_lines(200);
                size_t count = logs_choose(&content, &query);
                ck_assert_uint_le(count, limit);
                for (size_t i = 0; i < count; i++, next += step)
                    ck_assert_int_eq(number_of(i), next);
                int64_t last_ms = count ? content.records[count - 1].at_ms : 0;
                free(content.records);
                if (!count)
                    break;
                *(backward ? &query.before_ms : &query.from_ms) = last_ms + !backward;
            }
            ck_assert_int_eq(next, backward ? -1 : 200);
        }
}
END_TEST

START_TEST(filters_by_level_time_and_text) {
    const struct {
        struct log_query query;
        size_t count;
    } cases[] = {
        {{.before_ms = INT64_MAX, .limit = 1000}, 200},
        {{.before_ms = INT64_MAX, .limit = 1000, .least = LOG_WARN}, 100},
        {{.before_ms = INT64_MAX, .limit = 1000, .least = LOG_ERROR}, 50},
        {{.before_ms = INT64_MAX, .limit = 1000, .search = "19"}, 1 + 1 + 10},
        {{.before_ms = INT64_MAX, .limit = 1000, .search = ""}, 200},
        {{.before_ms = INT64_MAX, .limit = 0}, 0},
        {{.from_ms = 100, .before_ms = 101, .limit = 1000}, 3},
        {{.from_ms = 170, .before_ms = INT64_MAX, .limit = 1000}, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        make_lines(200);
        ck_assert_msg(logs_choose(&content, &cases[i].query) == cases[i].count, "case %zu", i);
        free(content.records);
    }
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("logs");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, comes_out_as_it_went_in);
    tcase_add_test(cases, wraps_around_and_stops_growing);
    tcase_add_test(cases, damage_takes_only_what_it_hits);
    tcase_add_test(cases, noise_is_no_log);
    tcase_add_test(cases, too_long_a_line_is_cut);
    tcase_add_test(cases, old_logs_are_collected_and_the_oldest_beyond_the_limit);
    tcase_add_test(cases, pages_are_complete_and_without_repeats);
    tcase_add_test(cases, filters_by_level_time_and_text);
    return unit_run("logs", cases);
}
