/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json.h"

json_t *json_parse(const char *bytes, size_t len, struct error *err) {
    json_error_t problem;
    json_t *value = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &problem);
    if (!value)
        error_set(err, ERR_INVALID, "invalid JSON at line %d, column %d: %s", problem.line,
                  problem.column, problem.text);
    return value;
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
