/* SPDX-License-Identifier: Apache-2.0
 *
 * common/json: the short cut for long strings must see what the parser sees, wherever they stand.
 */
#include "common/json.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* '@' becomes a string of 3,000 letters, '#' one with escapes and other letters in it. */
static const char *const texts[] = {
    "{\"event\":{\"data\":{\"stdout\":\"@\"}}}",
    "[\"@\"]",
    "[\"a\",{\"b\":[\"c\",\"d\"]},\"@\",\"e\"]",
    "{\"a\":\"b\",\"c\":{\"d\":\"\"},\"e\":\"@\",\"f\":\"g\"}",
    "{\"@\":\"a\"}",
    "{\"a\":1,\"@\":\"b\"}",
    "[{\"a\":\"\\\"\"},\"\\\\\",\"@\"]",
    "[\"@\",\"@\"]",
    "{ \"z\" : [ ] , \"y\" : \"@\" }",
    "[\"#\",\"@\"]",
    "[\"#\"]",
    "[\"\\u00e9\",\"@\"]",
    "{\"a\":\"@\",\"a\":1}",
    "[\"@\"",
    "[\"@]",
    "[\"a\" \"@\"]",
    "\"@\"",
    "[\"@\\\"]",
    "{\"a\":\"\",\"b\":\"@\"}",
};

static void expand(const char *text, char *out) {
    for (; *text; text++) {
        if (*text != '@' && *text != '#') {
            *out++ = *text;
            continue;
        }
        if (*text == '#')
            out += sprintf(out, "\\n\xc3\xa9\\\"");
        for (int i = 0; i < 3000; i++)
            *out++ = (char)('a' + i % 26);
    }
    *out = '\0';
}

START_TEST(long_strings_are_read_like_others) {
    static char text[20000];
    struct error err = ERROR_INIT;
    json_error_t ignored;
    expand(texts[_i], text);
    cleanup_json json_t *ours = json_parse(text, strlen(text), &err);
    cleanup_json json_t *theirs = json_loads(text, JSON_REJECT_DUPLICATES, &ignored);
    ck_assert((ours == NULL) == (theirs == NULL));
    ck_assert(!ours || json_equal(ours, theirs));
    ck_assert(ours || err.kind == ERR_INVALID);
}
END_TEST

/* ---- printing, against jansson's own ---- */

static unsigned seed = 1;

static unsigned pick(unsigned below) {
    seed = seed * 1103515245U + 12345U;
    return (seed >> 16) % below;
}

static json_t *random_text(void) {
    static const char *const pieces[] = {"a",
                                         "\"",
                                         "\\",
                                         "\n",
                                         "\x01",
                                         "\x1f",
                                         "\x7f",
                                         "/",
                                         "\b\f\r\t",
                                         "\xc3\xa9",
                                         "\xf0\x9f\x98\x80",
                                         "word "};
    char text[128] = "";
    for (unsigned i = pick(8); i; i--)
        strcat(text, pieces[pick(ARRAY_LEN(pieces))]);
    return json_stringn(text, strlen(text) + (pick(20) == 0)); /* some hold a NUL */
}

static json_t *random_value(unsigned depth) {
    static const double reals[] = {0.43, 1.0, -0.0, 1e300, 1.5e-7, 123456789.125};
    json_t *value = depth && pick(2) ? json_object() : json_array();
    switch (depth ? pick(8) : 2 + pick(6)) {
    case 0:
    case 1:
        for (unsigned i = pick(5); i; i--) {
            json_t *key = random_text();
            if (json_is_array(value))
                json_array_append_new(value, random_value(depth - 1));
            else
                json_object_set_new(value, json_string_value(key), random_value(depth - 1));
            json_decref(key);
        }
        return value;
    case 2:
        json_decref(value);
        return random_text();
    case 3:
        json_decref(value);
        return json_integer((json_int_t)pick(1000) - 500);
    case 4:
        json_decref(value);
        return json_integer(pick(2) ? INT64_MIN : INT64_MAX);
    case 5:
        json_decref(value);
        return json_real(reals[pick(ARRAY_LEN(reals))]);
    default:
        json_decref(value);
        return pick(3) ? json_boolean(pick(2)) : json_null();
    }
}

START_TEST(prints_what_jansson_prints) {
    for (int i = 0; i < 3000; i++) {
        json_t *value = random_value(5);
        cleanup_buf struct buf text = BUF_INIT(1 << 20), little = BUF_INIT(1);
        char *expected =
            json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        ck_assert(json_print(&text, value));
        ck_assert_str_eq(text.data, expected);
        ck_assert(strlen(expected) == 1 || !json_print(&little, value));
        free(expected);
        json_decref(value);
    }
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("json");
    tcase_add_loop_test(cases, long_strings_are_read_like_others, 0, ARRAY_LEN(texts));
    tcase_add_test(cases, prints_what_jansson_prints);
    return unit_run("json", cases);
}
