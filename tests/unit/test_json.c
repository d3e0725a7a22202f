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

int main(void) {
    TCase *cases = tcase_create("json");
    tcase_add_loop_test(cases, long_strings_are_read_like_others, 0, ARRAY_LEN(texts));
    return unit_run("json", cases);
}
