/* SPDX-License-Identifier: Apache-2.0
 *
 * common/buf: the maximum holds, content survives a refused growth, text is always terminated.
 */
#include "common/buf.h"
#include "tests/unit/unit.h"

#include <stdint.h>
#include <string.h>

START_TEST(grows_up_to_its_maximum) {
    cleanup_buf struct buf b = BUF_INIT(10);
    ck_assert(buf_puts(&b, "12345"));
    ck_assert(buf_puts(&b, "67890"));
    ck_assert(!buf_puts(&b, "x"));
    ck_assert_str_eq(b.data, "1234567890");
    ck_assert_uint_eq(b.len, 10);
}
END_TEST

START_TEST(refuses_sizes_that_overflow) {
    cleanup_buf struct buf b = BUF_INIT(SIZE_MAX);
    ck_assert(buf_puts(&b, "x"));
    ck_assert(!buf_reserve(&b, SIZE_MAX - 1));
    ck_assert(!buf_reserve(&b, SIZE_MAX));
    ck_assert_str_eq(b.data, "x");
}
END_TEST

START_TEST(adds_nothing_to_nothing) {
    cleanup_buf struct buf b = BUF_INIT(0);
    ck_assert(buf_add(&b, NULL, 0));
    ck_assert_uint_eq(b.len, 0);
    ck_assert_str_eq(b.data, "");
    ck_assert(!buf_puts(&b, "x"));
}
END_TEST

START_TEST(keeps_bytes_that_are_no_text) {
    cleanup_buf struct buf b = BUF_INIT(100);
    ck_assert(buf_add(&b, "a\0b", 3));
    ck_assert_uint_eq(b.len, 3);
    ck_assert_mem_eq(b.data, "a\0b", 4);
}
END_TEST

START_TEST(prints_behind_what_is_there) {
    cleanup_buf struct buf b = BUF_INIT(12);
    ck_assert(buf_puts(&b, "n="));
    ck_assert(buf_printf(&b, "%d %s", 42, "end"));
    ck_assert_str_eq(b.data, "n=42 end");
    ck_assert(!buf_printf(&b, "%s", "12345"));
    ck_assert_str_eq(b.data, "n=42 end");
}
END_TEST

START_TEST(consumes_from_the_front) {
    cleanup_buf struct buf b = BUF_INIT(100);
    buf_consume(&b, 0);
    ck_assert(buf_puts(&b, "abcdef"));
    buf_consume(&b, 2);
    ck_assert_str_eq(b.data, "cdef");
    buf_consume(&b, 4);
    ck_assert_uint_eq(b.len, 0);
    ck_assert_str_eq(b.data, "");
}
END_TEST

START_TEST(hands_its_bytes_on) {
    cleanup_buf struct buf b = BUF_INIT(100);
    cleanup_free char *nothing = buf_steal(&b);
    ck_assert_str_eq(nothing, "");
    ck_assert(buf_puts(&b, "kept"));
    cleanup_free char *text = buf_steal(&b);
    ck_assert_str_eq(text, "kept");
    ck_assert_ptr_null(b.data);
    ck_assert(buf_puts(&b, "again"));
    ck_assert_str_eq(text, "kept");
}
END_TEST

START_TEST(grows_in_place_many_times) {
    cleanup_buf struct buf b = BUF_INIT(100000);
    for (int i = 0; i < 100000; i++)
        ck_assert(buf_add(&b, &(char){(char)('a' + i % 26)}, 1));
    ck_assert(!buf_add(&b, "x", 1));
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(b.data[i], 'a' + i % 26);
}
END_TEST

int main(void) {
    TCase *all = tcase_create("buf");
    tcase_add_test(all, grows_up_to_its_maximum);
    tcase_add_test(all, refuses_sizes_that_overflow);
    tcase_add_test(all, adds_nothing_to_nothing);
    tcase_add_test(all, keeps_bytes_that_are_no_text);
    tcase_add_test(all, prints_behind_what_is_there);
    tcase_add_test(all, consumes_from_the_front);
    tcase_add_test(all, hands_its_bytes_on);
    tcase_add_test(all, grows_in_place_many_times);
    return unit_run("buf", all);
}
