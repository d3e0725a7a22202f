/* SPDX-License-Identifier: Apache-2.0
 *
 * See query.h: no I/O, no allocation, so that it can be fuzzed as it is.
 */
#include "backend/http/query.h"

#include <string.h>

bool query_next(struct slice *rest, struct slice *key, struct slice *value) {
    while (rest->len && rest->at[0] == '&')
        rest->at++, rest->len--;
    if (!rest->len)
        return false;
    const char *end = memchr(rest->at, '&', rest->len);
    size_t len = end ? (size_t)(end - rest->at) : rest->len;
    const char *equals = memchr(rest->at, '=', len);
    *key = (struct slice){rest->at, equals ? (size_t)(equals - rest->at) : len};
    *value = (struct slice){rest->at + len, 0};
    if (equals)
        *value = (struct slice){equals + 1, len - key->len - 1};
    rest->at += len;
    rest->len -= len;
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool query_decode(struct slice text, char *out, bool plus_is_space) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '+' && plus_is_space)
            c = ' ';
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.at[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (!c)
            return false;
        *out++ = c;
    }
    *out = '\0';
    return true;
}
