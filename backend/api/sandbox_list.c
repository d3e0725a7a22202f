/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of sandboxes: filtered, ordered, in pages.
 */
#include "backend/api/page.h"
#include "backend/api/sandbox_json.h"
#include "backend/http/query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct filter {
    const struct core *core;
    bool running, paused;     /* which are wanted */
    struct pairs metadata;    /* all must be equal */
    const char *template_ref; /* NULL: any */
    const char *template_id;  /* NULL with template_ref: matches nothing */
    int64_t started_after_ms;
};

/* ---- the query -------------------------------------------------------------------------------
 */

static json_t *decode_text(const char *text, size_t len) {
    cleanup_free char *decoded = malloc(len + 1);
    if (!decoded || !query_decode((struct slice){text, len}, decoded, true))
        return NULL;
    return json_string(decoded);
}

/* One pair: clients encode each half before they encode the whole, as if it were a query. */
static bool add_pair(json_t *object, struct slice key, struct slice value) {
    cleanup_json json_t *name = decode_text(key.at, key.len);
    cleanup_json json_t *text = decode_text(value.at, value.len);
    return name && text && json_object_set(object, json_string_value(name), text) == 0;
}

static bool parse_metadata(const char *encoded, struct pairs *pairs, struct error *err) {
    cleanup_json json_t *object = json_object();
    size_t len = strlen(encoded);
    errno = 0;
    cleanup_free char *text = malloc(len + 1);
    bool ok = text && query_decode((struct slice){encoded, len}, text, true);
    struct slice rest = {text, ok ? strlen(text) : 0}, key, value;
    while (ok && query_next(&rest, &key, &value))
        ok = add_pair(object, key, value);
    if (ok && pairs_from_json(pairs, object))
        return true;
    return errno == ENOMEM ? error_errno(err, ENOMEM, "cannot list the sandboxes")
                           : error_set(err, ERR_INVALID, "Error parsing metadata");
}

static bool is_word(const char *text, size_t len, const char *word) {
    return slice_is((struct slice){text, len}, word);
}

static bool parse_states(struct exchange *x, struct filter *filter, struct error *err) {
    const char *states = exchange_param(x, "state", 0, err);
    filter->running = filter->paused = !states;
    for (unsigned i = 0; states; states = exchange_param(x, "state", ++i, err)) {
        for (const char *at = states; *at;) {
            size_t len = strcspn(at, ",");
            if (is_word(at, len, "running"))
                filter->running = true;
            else if (is_word(at, len, "paused"))
                filter->paused = true;
            else
                return error_set(err, ERR_INVALID,
                                 "validation error: state must be running or paused");
            at += len + (at[len] == ',');
        }
    }
    return err->kind == ERR_NONE;
}

static bool parse_filter(struct exchange *x, struct filter *filter, struct error *err) {
    const char *metadata = exchange_param(x, "metadata", 0, err);
    const char *after = exchange_param(x, "startedAfter", 0, err);
    filter->template_ref = exchange_param(x, "template", 0, err);
    if (err->kind != ERR_NONE || !parse_states(x, filter, err))
        return false;
    if (filter->template_ref && !*filter->template_ref)
        filter->template_ref = NULL;
    if (filter->template_ref)
        filter->template_id = sandbox_template_id(filter->core, filter->template_ref);
    if (after && *after && !clock_parse(after, &filter->started_after_ms, err))
        return error_wrap(err, "validation error: startedAfter");
    return !metadata || !*metadata || parse_metadata(metadata, &filter->metadata, err);
}

static bool matches(const struct sandbox *sandbox, const struct filter *filter) {
    if (filter->template_ref &&
        (!filter->template_id || strcmp(sandbox->template_id, filter->template_id) != 0))
        return false;
    if (!(sandbox->paused ? filter->paused : filter->running) ||
        sandbox->started_ms < filter->started_after_ms)
        return false;
    for (size_t i = 0; i < filter->metadata.count; i++) {
        const char *value = pairs_get(&sandbox->metadata, filter->metadata.at[2 * i]);
        if (!value || strcmp(value, filter->metadata.at[2 * i + 1]) != 0)
            return false;
    }
    return true;
}

/* ---- the list --------------------------------------------------------------------------------
 */

struct found {
    struct sandbox **at;
    size_t count, running;
};

static bool collect(const struct api *api, const struct filter *filter, struct found *found) {
    found->at = calloc(sandbox_count(api->core) + 1, sizeof(*found->at));
    if (!found->at)
        return false;
    struct sandbox *at = sandbox_first_known(api->core);
    for (; at; at = sandbox_older_known(at)) {
        if (!matches(at, filter))
            continue;
        found->at[found->count++] = at;
        found->running += !at->paused;
    }
    return true;
}

/* Oldest first; of one millisecond, by id. */
static int by_start(const void *a, const void *b) {
    const struct sandbox *one = *(struct sandbox *const *)a;
    const struct sandbox *two = *(struct sandbox *const *)b;
    if (one->started_ms != two->started_ms)
        return one->started_ms < two->started_ms ? -1 : 1;
    return strcmp(one->id, two->id);
}

static json_t *take_page(struct exchange *x, const struct page *page, const struct found *found) {
    json_t *list = json_array();
    const struct sandbox *last = NULL;
    for (size_t i = 0; i < found->count; i++) {
        const struct sandbox *sandbox = found->at[i];
        if (!page_holds(page, sandbox->started_ms, sandbox->id))
            continue;
        if (last && json_array_size(list) == (size_t)page->limit) {
            page_add_next(x, page, last->started_ms, last->id);
            break;
        }
        json_array_append_new(list, sandbox_json_listed(sandbox));
        last = sandbox;
    }
    return list;
}

static void reply(struct call *call, const struct filter *filter, const struct page *page) {
    struct error err = ERROR_INIT;
    struct found found = {0};
    if (!collect(call->ctx, filter, &found)) {
        error_errno(&err, ENOMEM, "cannot list the sandboxes");
        exchange_reply_error(call->x, &err);
        return;
    }
    if (page->ascending)
        qsort(found.at, found.count, sizeof(*found.at), by_start);
    if (filter->running)
        exchange_add_header(call->x, "X-Total-Running", "%zu", found.running);
    exchange_reply_json(call->x, 200, take_page(call->x, page, &found));
    free(found.at);
}

static void list_v2(struct call *call) {
    struct error err = ERROR_INIT;
    const struct api *api = call->ctx;
    struct filter filter = {.core = api->core};
    struct page page;
    if (page_parse(call->x, &page, &err) && parse_filter(call->x, &filter, &err))
        reply(call, &filter, &page);
    else
        exchange_reply_error(call->x, &err);
    pairs_free(&filter.metadata);
}

/* Running ones, all of them at once. */
static void list_v1(struct call *call) {
    struct error err = ERROR_INIT;
    struct filter filter = {.running = true};
    const struct page page = {.limit = INT64_MAX};
    const char *metadata = exchange_param(call->x, "metadata", 0, &err);
    if (err.kind == ERR_NONE &&
        (!metadata || !*metadata || parse_metadata(metadata, &filter.metadata, &err)))
        reply(call, &filter, &page);
    else
        exchange_reply_error(call->x, &err);
    pairs_free(&filter.metadata);
}

const struct route api_sandbox_list_routes[] = {
    {"GET", "/v2/sandboxes", 0, list_v2},
    {"GET", "/sandboxes", 0, list_v1},
    {0},
};
