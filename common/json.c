/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json.h"

#include <errno.h>
#include <string.h>

static json_t *parse_plain(const char *bytes, size_t len, struct error *err) {
    json_error_t problem;
    errno = 0;
    json_t *value = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &problem);
    if (!value && errno == ENOMEM) /* whatever the parser made of it */
        error_errno(err, ENOMEM, "cannot read JSON");
    else if (!value && json_error_code(&problem) == json_error_null_character)
        error_set(err, ERR_INVALID, "\\u0000 is not allowed in text (line %d, column %d)",
                  problem.line, problem.column);
    else if (!value)
        error_set(err, ERR_INVALID, "invalid JSON at line %d, column %d: %s", problem.line,
                  problem.column, problem.text);
    return value;
}

/* ---- long strings -----------------------------------------------------------------------------
 *
 * Input and output of processes come as one long string of base64 in a small message. The parser
 * goes through it a character at a time, at 60 MB a second. So the message is parsed with an empty
 * string in its place, and the long one put in afterwards. */

enum { LONG_STRING = 1024 };

struct long_string {
    const char *at;
    size_t len;
    size_t before; /* strings in front of it, keys included */
};

/* ASCII without controls and escapes means what it looks like. Eight bytes at a time: a borrow out
 * of a byte can only follow one that is odd itself. The quote is not looked for. */
static bool is_plain(const char *bytes, size_t len) {
    const uint64_t ones = UINT64_MAX / 255, highs = ones << 7;
    uint64_t odd = 0;
    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        uint64_t word = ones * 'a';
        memcpy(&word, bytes + i, MIN(len - i, sizeof(word)));
        uint64_t slash = word ^ ones * '\\';
        odd |= word | (word - ones * 0x20) | (slash - ones);
    }
    return !(odd & highs);
}

/* The quote that ends the string which starts at `at`. */
static const char *string_end(const char *at, const char *end) {
    const char *start = at;
    while ((at = memchr(at, '"', (size_t)(end - at)))) {
        const char *slash = at;
        while (slash > start && slash[-1] == '\\')
            slash--;
        if ((at - slash) % 2 == 0)
            return at;
        at++;
    }
    return NULL;
}

/* The first one, if there is any. */
static bool find_long(const char *bytes, size_t len, struct long_string *found) {
    const char *end = bytes + len, *at = bytes;
    *found = (struct long_string){0};
    while ((at = memchr(at, '"', (size_t)(end - at)))) {
        const char *stop = string_end(++at, end);
        if (!stop)
            return false;
        found->at = at;
        found->len = (size_t)(stop - at);
        if (found->len >= LONG_STRING)
            return is_plain(at, found->len);
        found->before++;
        at = stop + 1;
    }
    return false;
}

enum placed { NOT_YET, PLACED, IS_A_KEY };

/* Counts strings in the order of the text, which is the order in which objects are walked. */
static enum placed place(json_t *value, struct long_string *text) {
    enum placed result = NOT_YET;
    const char *key;
    json_t *child;
    size_t i;
    if (json_is_string(value) && !text->before)
        return json_string_setn_nocheck(value, text->at, text->len) == 0 ? PLACED : IS_A_KEY;
    text->before -= json_is_string(value);
    json_array_foreach(value, i, child) {
        if ((result = place(child, text)) != NOT_YET)
            return result;
    }
    json_object_foreach(value, key, child) {
        if (!text->before)
            return IS_A_KEY;
        text->before--;
        if ((result = place(child, text)) != NOT_YET)
            return result;
    }
    return NOT_YET;
}

/* NULL also where it only did not work out: then it is parsed as it is. */
static json_t *parse_around(const char *bytes, size_t len, struct long_string *text) {
    struct error ignored;
    size_t head = (size_t)(text->at - bytes), tail = len - head - text->len;
    cleanup_free char *rest = malloc(head + tail);
    if (!rest)
        return NULL;
    memcpy(rest, bytes, head);
    memcpy(rest + head, text->at + text->len, tail);
    cleanup_json json_t *value = parse_plain(rest, head + tail, &ignored);
    return value && place(value, text) == PLACED ? steal_ptr(&value) : NULL;
}

json_t *json_parse(const char *bytes, size_t len, struct error *err) {
    struct long_string text;
    json_t *value = NULL;
    if (len > LONG_STRING && find_long(bytes, len, &text))
        value = parse_around(bytes, len, &text);
    return value ? value : parse_plain(bytes, len, err);
}

/* The field, or NULL if it is absent or null. */
static json_t *present(const json_t *object, const char *key) {
    json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

static bool wrong(struct error *err, const char *key, const char *expected) {
    return error_set(err, ERR_INVALID, "property \"%s\" must be %s", key, expected);
}

bool json_get_string(const json_t *object, const char *key, const char **value, struct error *err) {
    json_t *field = present(object, key);
    if (field && !json_is_string(field))
        return wrong(err, key, "a string");
    if (field)
        *value = json_string_value(field);
    return true;
}

bool json_get_bool(const json_t *object, const char *key, bool *value, struct error *err) {
    json_t *field = present(object, key);
    if (field && !json_is_boolean(field))
        return wrong(err, key, "a boolean");
    if (field)
        *value = json_is_true(field);
    return true;
}

bool json_get_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *value,
                  struct error *err) {
    json_t *field = present(object, key);
    if (!field)
        return true;
    if (!json_is_integer(field))
        return wrong(err, key, "an integer");
    json_int_t number = json_integer_value(field);
    if (number < min || number > max)
        return error_set(err, ERR_INVALID, "property \"%s\" must be between %lld and %lld", key,
                         (long long)min, (long long)max);
    *value = number;
    return true;
}

bool json_get_object(const json_t *object, const char *key, json_t **value, struct error *err) {
    json_t *field = present(object, key);
    if (field && !json_is_object(field))
        return wrong(err, key, "an object");
    if (field)
        *value = field;
    return true;
}

bool json_get_array(const json_t *object, const char *key, json_t **value, struct error *err) {
    json_t *field = present(object, key);
    if (field && !json_is_array(field))
        return wrong(err, key, "an array");
    if (field)
        *value = field;
    return true;
}

bool json_check_string_map(const json_t *object, const char *what, struct error *err) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (!json_is_string(value))
            return error_set(err, ERR_INVALID, "%s: value of \"%s\" must be a string", what, key);
    }
    return true;
}
