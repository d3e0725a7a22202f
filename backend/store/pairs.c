/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/store/pairs.h"

#include <string.h>

void pairs_free(struct pairs *pairs) {
    for (size_t i = 0; i < 2 * pairs->count; i++)
        free(pairs->at[i]);
    free(pairs->at);
    *pairs = (struct pairs){NULL, 0};
}

bool pairs_put(struct pairs *to, const char *key, const char *value) {
    char **at = realloc(to->at, 2 * (to->count + 1) * sizeof(*at));
    if (at) {
        to->at = at;
        at += 2 * to->count++;
        at[0] = strdup(key);
        at[1] = strdup(value);
    }
    if (at && at[0] && at[1])
        return true;
    pairs_free(to);
    return false;
}

bool pairs_append(struct pairs *to, const struct pairs *from) {
    for (size_t i = 0; i < from->count; i++)
        if (!pairs_put(to, from->at[2 * i], from->at[2 * i + 1]))
            return false;
    return true;
}

bool pairs_copy(struct pairs *to, const struct pairs *from) {
    *to = (struct pairs){NULL, 0};
    return pairs_append(to, from);
}

const char *pairs_get(const struct pairs *pairs, const char *key) {
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->at[2 * i], key) == 0)
            return pairs->at[2 * i + 1];
    return NULL;
}

bool pairs_from_json(struct pairs *to, const json_t *object) {
    const char *key;
    json_t *value;
    *to = (struct pairs){NULL, 0};
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        const char *text = json_string_value(value);
        if (!text || !pairs_put(to, key, text)) {
            pairs_free(to);
            return false;
        }
    }
    return true;
}

json_t *pairs_to_json(const struct pairs *pairs) {
    json_t *object = json_object();
    for (size_t i = 0; i < pairs->count; i++)
        json_object_set_new(object, pairs->at[2 * i], json_string(pairs->at[2 * i + 1]));
    return object;
}
