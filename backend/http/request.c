/* SPDX-License-Identifier: Apache-2.0
 *
 * What a handler can ask of a request: its path and query, decoded parameters, headers as strings.
 * The bytes stay where they arrived; a string ends at the delimiter behind it, which is ours.
 */
#include "backend/http/internal.h"

#include "backend/http/query.h"

#include <string.h>

const struct http1_head *exchange_head(const struct exchange *x) {
    return &x->head;
}

bool exchange_trusted(const struct exchange *x) {
    return x->c->trusted;
}

const char *exchange_path(const struct exchange *x) {
    return x->path;
}

const char *exchange_query(const struct exchange *x) {
    return x->query;
}

/* Skips "http://authority" of the absolute form, which every server must understand. */
static struct slice origin_form(struct slice target) {
    if (target.len < 7 || memcmp(target.at, "http://", 7) != 0)
        return target;
    const char *slash = memchr(target.at + 7, '/', target.len - 7);
    if (!slash)
        return (struct slice){"/", 1};
    return (struct slice){slash, target.len - (size_t)(slash - target.at)};
}

bool exchange_split_target(struct exchange *x) {
    struct slice target = origin_form(x->head.target);
    if (target.at[0] != '/' && !slice_is(target, "*"))
        return false;
    char *copy = exchange_alloc(x, target.len + 1);
    if (!copy)
        return false;
    memcpy(copy, target.at, target.len);
    copy[target.len] = '\0';
    x->path = copy;
    char *mark = memchr(copy, '?', target.len);
    if (mark) {
        *mark = '\0';
        x->query = mark + 1;
    }
    return true;
}

const char *exchange_header(struct exchange *x, const char *name) {
    const struct slice *value = http1_find(&x->head, name);
    if (!value)
        return NULL;
    char *copy = exchange_alloc(x, value->len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, value->at, value->len);
    copy[value->len] = '\0';
    return copy;
}

static bool key_is(struct slice key, const char *name) {
    char text[256];
    return key.len < sizeof(text) && query_decode(key, text, true) && strcmp(text, name) == 0;
}

const char *exchange_param(struct exchange *x, const char *name, unsigned index,
                           struct error *err) {
    struct slice rest = {x->query, strlen(x->query)}, key, value;
    while (query_next(&rest, &key, &value)) {
        if (!key_is(key, name) || index-- > 0)
            continue;
        char *text = exchange_alloc(x, value.len + 1);
        if (!text)
            error_set(err, ERR_INTERNAL, "out of memory");
        else if (!query_decode(value, text, true))
            error_set(err, ERR_INVALID, "the query parameter '%s' is badly encoded", name);
        else
            return text;
        return NULL;
    }
    return NULL;
}
