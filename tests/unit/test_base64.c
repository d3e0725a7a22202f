/* SPDX-License-Identifier: Apache-2.0
 *
 * common/base64: every length and byte comes back, and one text means one sequence of bytes.
 */
#include "common/base64.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <string.h>

START_TEST(gives_back_what_it_got) {
    uint8_t bytes[300], back[306];
    char text[512];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + 3);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        size_t got;
        base64_encode(bytes, len, text);
        ck_assert_uint_eq(strlen(text) + 1, base64_encoded_size(len));
        ck_assert(base64_decode(text, strlen(text), back, &got));
        ck_assert_uint_eq(got, len);
        ck_assert(memcmp(bytes, back, len) == 0);
    }
}
END_TEST

static const struct {
    const char *text, *bytes; /* NULL: refused */
} texts[] = {
    {"", ""},
    {"Zg==", "f"},
    {"Zg", "f"},
    {"Zm8=", "fo"},
    {"Zm8", "fo"},
    {"Zm9v", "foo"},
    {"-_-_", "\xfb\xff\xbf"},
    {"+/+/", "\xfb\xff\xbf"},
    {"Z", NULL},
    {"Zg=", NULL},
    {"Z===", NULL},
    {"====", NULL},
    {"Zm9v=", NULL},
    {"Zm9v\n", NULL},
    {"Zm 9v", NULL},
    {"Zh==", NULL},
    {"Zm9=", NULL},
    {"Zg==Zg==", NULL},
};

/* The table is made by whoever comes first, and each run is in a process of its own. */
static pthread_barrier_t start;

static void *encode(void *text) {
    pthread_barrier_wait(&start);
    base64_encode("\xff\xff\xff\xfe\xdc\xba", 6, text);
    return NULL;
}

START_TEST(serves_threads_from_the_first_call_on) {
    pthread_t threads[4];
    char made[ARRAY_LEN(threads)][16];
    pthread_barrier_init(&start, NULL, ARRAY_LEN(threads));
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, encode, made[i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
        ck_assert_str_eq(made[i], "/////ty6");
    }
}
END_TEST

START_TEST(takes_no_second_spelling) {
    char out[64];
    size_t len;
    const char *text = texts[_i].text, *bytes = texts[_i].bytes;
    ck_assert(base64_decode(text, strlen(text), out, &len) == (bytes != NULL));
    ck_assert(!bytes || (len == strlen(bytes) && memcmp(out, bytes, len) == 0));
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("base64");
    tcase_add_test(cases, gives_back_what_it_got);
    tcase_add_loop_test(cases, serves_threads_from_the_first_call_on, 0, 50);
    tcase_add_loop_test(cases, takes_no_second_spelling, 0, ARRAY_LEN(texts));
    return unit_run("base64", cases);
}
