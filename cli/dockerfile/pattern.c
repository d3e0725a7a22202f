/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dockerfile/pattern.h"

#include <string.h>

/* One character, or what a backslash stands before. The escapes of "}" and "/", which would end the
 * pattern, are of no other use. */
static size_t token_length(const char *pattern) {
    return *pattern == '\\' && pattern[1] ? 2 : 1;
}

/* A byte of UTF-8 that goes on with a character. */
static bool goes_on(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t character_length(const char *text, size_t len) {
    size_t n = 1;
    while (n < len && goes_on(text[n]))
        n++;
    return n;
}

/* Does all of it match? After a mismatch the last "*" takes one character more. */
static bool matches(const char *pattern, const char *text, size_t len) {
    const char *star = NULL;
    size_t at = 0, star_at = 0;
    while (at < len || *pattern) {
        size_t token = token_length(pattern);
        if (*pattern == '*') {
            star = pattern++;
            star_at = at;
        } else if (at < len && *pattern == '?') {
            at += character_length(text + at, len - at);
            pattern++;
        } else if (at < len && *pattern && pattern[token - 1] == text[at]) {
            at++;
            pattern += token;
        } else if (star && star_at < len) {
            at = ++star_at;
            pattern = star + 1;
        } else {
            return false;
        }
    }
    return true;
}

/* The length of the match at the start of the text, or at its end; -1: there is none. */
static ssize_t match_at(const char *pattern, const char *text, size_t len, bool at_end,
                        bool is_longest) {
    for (size_t i = 0; i <= len; i++) {
        size_t n = is_longest ? len - i : i, border = at_end ? len - n : n;
        if (!goes_on(text[border]) && matches(pattern, at_end ? text + border : text, n))
            return (ssize_t)n;
    }
    return -1;
}

static bool replace(const struct pattern_edit *edit, const char *value, size_t len,
                    struct buf *out) {
    bool ok = true, searches = true;
    for (size_t at = 0; ok && at < len;) {
        ssize_t n = searches ? match_at(edit->pattern, value + at, len - at, false, true) : 0;
        if (n > 0) {
            ok = buf_puts(out, edit->replacement);
            searches = edit->is_double;
            at += (size_t)n;
        } else {
            ok = buf_add(out, value + at++, 1);
        }
    }
    return ok;
}

bool pattern_edit(const struct pattern_edit *edit, const char *value, struct buf *out,
                  struct error *err) {
    size_t len = strlen(value);
    if (len > PATTERN_VALUE_MAX)
        return error_set(err, ERR_TOO_LARGE,
                         "the value is longer than %d bytes: no pattern is "
                         "looked for in it",
                         PATTERN_VALUE_MAX);
    bool ok = true;
    if (edit->operation == '/') {
        ok = replace(edit, value, len, out);
    } else {
        bool at_end = edit->operation == '%';
        ssize_t n = match_at(edit->pattern, value, len, at_end, edit->is_double);
        size_t gone = n > 0 ? (size_t)n : 0;
        ok = buf_add(out, at_end ? value : value + gone, len - gone);
    }
    return ok || error_set(err, ERR_TOO_LARGE, "the expanded text is too large");
}
