/* SPDX-License-Identifier: Apache-2.0
 *
 * jansson's own printer looks for loops, checks each letter again and asks for each piece of
 * punctuation apart; what is built here has no loops, and its strings were checked when they were
 * made.
 */
#include "common/json.h"

#include <string.h>

static bool put_escape(struct buf *out, unsigned char letter) {
    static const char letters[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *at = letter ? strchr(letters, letter) : NULL;
    return at ? buf_printf(out, "\\%c", names[at - letters]) : buf_printf(out, "\\u%04X", letter);
}

static size_t plain_length(const char *text, size_t len) {
    size_t n = 0;
    while (n < len && (unsigned char)text[n] >= ' ' && text[n] != '"' && text[n] != '\\')
        n++;
    return n;
}

/* What nearly every string is: without anything to escape. */
static bool put_plain(struct buf *out, const char *text, size_t len) {
    if (!buf_reserve(out, len + 2))
        return false;
    char *at = out->data + out->len;
    *at = '"';
    memcpy(at + 1, text, len);
    at[len + 1] = '"';
    out->len += len + 2;
    out->data[out->len] = '\0';
    return true;
}

static bool put_string(struct buf *out, const char *text, size_t len) {
    size_t plain = plain_length(text, len);
    if (plain == len)
        return put_plain(out, text, len);
    bool ok = buf_add(out, "\"", 1);
    for (; ok && len; plain = plain_length(text, len)) {
        ok = buf_add(out, text, plain) &&
             (plain == len || put_escape(out, (unsigned char)text[plain++]));
        text += plain;
        len -= plain;
    }
    return ok && buf_add(out, "\"", 1);
}

/* 15 digits: the 17 that a double may need would make 0.43 0.42999999999999999 */
static bool put_real(struct buf *out, const json_t *value) {
    cleanup_free char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    return text && buf_puts(out, text);
}

static bool put_integer(struct buf *out, int64_t value) {
    char digits[24], *at = digits + sizeof(digits);
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0)
        *--at = '-';
    return buf_add(out, at, (size_t)(digits + sizeof(digits) - at));
}

static bool put_array(struct buf *out, const json_t *array) {
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!buf_add(out, i ? "," : "[", 1) || !json_print(out, json_array_get(array, i)))
            return false;
    return buf_puts(out, json_array_size(array) ? "]" : "[]");
}

static bool put_object(struct buf *out, const json_t *object) {
    json_t *of = (json_t *)(uintptr_t)object; /* jansson's iterators read only */
    const char *before = "{";
    for (void *at = json_object_iter(of); at; at = json_object_iter_next(of, at)) {
        const char *key = json_object_iter_key(at);
        if (!buf_add(out, before, 1) || !put_string(out, key, strlen(key)) ||
            !buf_add(out, ":", 1) || !json_print(out, json_object_iter_value(at)))
            return false;
        before = ",";
    }
    return buf_puts(out, *before == ',' ? "}" : "{}");
}

bool json_print(struct buf *out, const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return put_object(out, value);
    case JSON_ARRAY:
        return put_array(out, value);
    case JSON_STRING:
        return put_string(out, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        return put_integer(out, json_integer_value(value));
    case JSON_REAL:
        return put_real(out, value);
    case JSON_TRUE:
        return buf_puts(out, "true");
    case JSON_FALSE:
        return buf_puts(out, "false");
    case JSON_NULL:
        return buf_puts(out, "null");
    }
    return false;
}
