/* SPDX-License-Identifier: Apache-2.0
 *
 * common/clock: times of the API there and back, durations as people type them, and nonsense.
 */
#include "common/clock.h"
#include "tests/unit/unit.h"

#include <string.h>

static const struct {
    const char *text;
    int64_t ms;
} times[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-01-02T03:04:05.678Z", 1767323045678},
    {"2026-01-02T03:04:05.6Z", 1767323045600},
    {"2026-01-02T03:04:05.678999999Z", 1767323045678},
    {"2026-01-02t03:04:05z", 1767323045000},
    {"2026-01-02 03:04:05Z", 1767323045000},
    {"2026-01-02T05:04:05+02:00", 1767323045000},
    {"2026-01-01T21:34:05-05:30", 1767323045000},
    {"2026-01-02", 1767312000000},
    {"2024-02-29T00:00:00Z", 1709164800000},
};

static const char *const no_times[] = {
    "",
    "now",
    "2026",
    "2026-1-2",
    "2026-13-01",
    "2026-00-01",
    "2026-01-32",
    "2026-01-02T",
    "2026-01-02T03:04:05",
    "2026-01-02T24:00:00Z",
    "2026-01-02T03:60:00Z",
    "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05Zjunk",
    "2026-01-02T03:04:05+0200",
    "2026-01-02T03:04:05+",
    " 2026-01-02",
};

START_TEST(reads_times) {
    struct error err = ERROR_INIT;
    int64_t ms;
    ck_assert_msg(clock_parse(times[_i].text, &ms, &err), "%s", times[_i].text);
    ck_assert_int_eq(ms, times[_i].ms);
}
END_TEST

START_TEST(refuses_what_is_no_time) {
    struct error err = ERROR_INIT;
    int64_t ms = 77;
    ck_assert_msg(!clock_parse(no_times[_i], &ms, &err), "%s", no_times[_i]);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.hint, "2026-01-02"));
    ck_assert_int_eq(ms, 77);
}
END_TEST

START_TEST(writes_what_it_reads) {
    struct error err = ERROR_INIT;
    char text[CLOCK_TEXT];
    int64_t ms;
    ck_assert_str_eq(clock_format(1767323045678, text), "2026-01-02T03:04:05.678Z");
    ck_assert_str_eq(clock_format(0, text), "1970-01-01T00:00:00.000Z");
    ck_assert(clock_parse(clock_format(1709164800007, text), &ms, &err));
    ck_assert_int_eq(ms, 1709164800007);
}
END_TEST

static const struct {
    const char *text;
    int64_t seconds;
} durations[] = {
    {"0", 0},      {"90", 90},    {"90s", 90},     {"15m", 900},    {"2h", 7200},
    {"1d", 86400}, {"1m30s", 90}, {"1h30m", 5400}, {"1d1s", 86401},
};

static const char *const no_durations[] = {
    "", "s", "-5", "5x", "1.5h", " 5", "5 ", "1h30", "m5", "99999999999999999999", "9999999999d",
};

START_TEST(reads_durations) {
    struct error err = ERROR_INIT;
    int64_t seconds;
    ck_assert_msg(clock_parse_duration(durations[_i].text, &seconds, &err), "%s",
                  durations[_i].text);
    ck_assert_int_eq(seconds, durations[_i].seconds);
}
END_TEST

START_TEST(refuses_what_is_no_duration) {
    struct error err = ERROR_INIT;
    int64_t seconds = 77;
    ck_assert_msg(!clock_parse_duration(no_durations[_i], &seconds, &err), "%s", no_durations[_i]);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_int_eq(seconds, 77);
}
END_TEST

START_TEST(goes_forward) {
    int64_t before = clock_mono_us();
    int64_t later = clock_mono_us();
    ck_assert_int_ge(later, before);
    ck_assert_int_gt(clock_now_ms(), 1700000000000);
    ck_assert_int_le(clock_mono_ms() - later / 1000, 60000);
}
END_TEST

int main(void) {
    TCase *all = tcase_create("clock");
    tcase_add_loop_test(all, reads_times, 0, (int)ARRAY_LEN(times));
    tcase_add_loop_test(all, refuses_what_is_no_time, 0, (int)ARRAY_LEN(no_times));
    tcase_add_test(all, writes_what_it_reads);
    tcase_add_loop_test(all, reads_durations, 0, (int)ARRAY_LEN(durations));
    tcase_add_loop_test(all, refuses_what_is_no_duration, 0, (int)ARRAY_LEN(no_durations));
    tcase_add_test(all, goes_forward);
    return unit_run("clock", all);
}
