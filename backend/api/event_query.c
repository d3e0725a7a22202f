/* SPDX-License-Identifier: Apache-2.0
 *
 * See event_query.h.
 */
#include "backend/api/event_query.h"

#include "backend/store/event_list.h"

#include <string.h>

bool event_query_number(struct exchange *x, const char *name, int64_t least, int64_t most,
                        int64_t *number, struct error *err) {
    const char *text = exchange_param(x, name, 0, err);
    uint64_t value;
    if (err->kind != ERR_NONE || !text)
        return err->kind == ERR_NONE;
    if (!slice_number((struct slice){text, strlen(text)}, &value) || value < (uint64_t)least ||
        value > (uint64_t)most)
        return error_set(err, ERR_INVALID, "validation error: %s must be between %lld and %lld",
                         name, (long long)least, (long long)most);
    *number = (int64_t)value;
    return true;
}

bool event_query_bool(struct exchange *x, const char *name, bool *value, struct error *err) {
    const char *text = exchange_param(x, name, 0, err);
    if (err->kind != ERR_NONE || !text)
        return err->kind == ERR_NONE;
    *value = strcmp(text, "true") == 0;
    return *value || strcmp(text, "false") == 0 ||
           error_set(err, ERR_INVALID, "validation error: %s must be true or false", name);
}

bool event_query_time(struct exchange *x, const char *name, int64_t *ms, struct error *err) {
    const char *text = exchange_param(x, name, 0, err);
    if (err->kind != ERR_NONE || !text)
        return err->kind == ERR_NONE;
    return clock_parse(text, ms, err) || error_wrap(err, "validation error: %s", name);
}

bool event_query_types(const char *text, const char *name, unsigned *types, struct error *err) {
    for (const char *at = text;; at++) {
        char word[64] = "";
        size_t len = strcspn(at, ",");
        memcpy(word, at, MIN(len, sizeof(word) - 1));
        enum event_type type = event_type_parse(word);
        if (!type)
            return error_set(err, ERR_INVALID, "validation error: %s: \"%s\" is no type of event",
                             name, word);
        *types |= event_type_bit(type);
        at += len;
        if (!*at)
            return true;
    }
}
