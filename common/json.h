/* SPDX-License-Identifier: Apache-2.0
 *
 * What every user of jansson would write again: cleanup, typed getters that say which field is
 * wrong, and bounded parsing. A getter leaves its target alone when the field is absent or null.
 */
#ifndef E2B_COMMON_JSON_H
#define E2B_COMMON_JSON_H

#include "common/buf.h"
#include "common/error.h"

#include <jansson.h>

static inline void json_release(json_t **value) {
    json_decref(*value);
}
#define cleanup_json cleanup(json_release)

/* Depth is bounded by jansson; strings may hold any UTF-8 but no NUL. ERR_INVALID with line:column.
 */
json_t *json_parse(const char *bytes, size_t len, struct error *err);

/* Appends it as compact text. */
bool json_print(struct buf *out, const json_t *value) must_check;

bool json_get_string(const json_t *object, const char *key, const char **value, struct error *err);
bool json_get_bool(const json_t *object, const char *key, bool *value, struct error *err);
bool json_get_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *value,
                  struct error *err);
bool json_get_object(const json_t *object, const char *key, json_t **value, struct error *err);
bool json_get_array(const json_t *object, const char *key, json_t **value, struct error *err);
/* Every value of `object` is a string (an absent object counts as one). */
bool json_check_string_map(const json_t *object, const char *what, struct error *err);

#endif
