/* SPDX-License-Identifier: Apache-2.0
 *
 * Snapshots: templates that are made of a sandbox. One that has a name is called by it.
 */
#include "backend/api/page.h"
#include "backend/api/sandbox_json.h"
#include "backend/api/waiting.h"
#include "backend/core/template.h"

#include <stdio.h>
#include <string.h>

static json_t *print_snapshot(const struct template *snapshot) {
    char name[2 * TEMPLATE_REFERENCE];
    json_t *names = json_array();
    snprintf(name, sizeof(name), "%s:%s", snapshot->name, snapshot->tag);
    if (*snapshot->name)
        json_array_append_new(names, json_string(name));
    return json_pack("{s:s, s:o}", "snapshotID", *snapshot->name ? name : snapshot->id, "names",
                     names);
}

static void on_made(void *ctx, const struct template *snapshot, const struct error *err) {
    const struct api *api;
    struct exchange *x = waiting_end(ctx, &api);
    if (x && snapshot)
        exchange_reply_json(x, 201, print_snapshot(snapshot));
    else if (x)
        exchange_reply_error(x, err);
}

static void create(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    const char *name = NULL;
    if (call->json && !json_get_string(call->json, "name", &name, &err)) {
        error_wrap(&err, "validation error");
        exchange_reply_error(call->x, &err);
        return;
    }
    if (!api_known_sandbox(call))
        return;
    struct waiting *waiting = waiting_begin(call);
    if (waiting)
        sandbox_snapshot(api->core, call->params[0], name, on_made, waiting);
}

/* ---- the list, newest first ---- */

struct filter {
    const char *sandbox_id; /* these three NULL: any */
    const char *name, *tag;
    char own_id[ID_SANDBOX], own_name[TEMPLATE_REFERENCE], own_tag[TEMPLATE_REFERENCE];
};

/* A name without a tag means all of its tags. */
static bool parse_filter(struct exchange *x, struct filter *filter, struct error *err) {
    const char *sandbox = exchange_param(x, "sandboxID", 0, err);
    const char *name = exchange_param(x, "name", 0, err);
    if (err->kind || (name && !template_parse_name(name, filter->own_name, filter->own_tag, err)))
        return false;
    filter->sandbox_id = sandbox ? sandbox_read_id(sandbox, filter->own_id, err) : NULL;
    filter->name = name ? filter->own_name : NULL;
    filter->tag = name && strchr(name, ':') ? filter->own_tag : NULL;
    return err->kind == ERR_NONE;
}

static bool matches(const struct template *snapshot, const struct filter *filter) {
    return *snapshot->sandbox_id &&
           (!filter->sandbox_id || strcmp(snapshot->sandbox_id, filter->sandbox_id) == 0) &&
           (!filter->name || strcmp(snapshot->name, filter->name) == 0) &&
           (!filter->tag || strcmp(snapshot->tag, filter->tag) == 0);
}

static bool is_before(const struct template *a, const struct template *b) {
    return a->created_ms > b->created_ms ||
           (a->created_ms == b->created_ms && strcmp(a->id, b->id) < 0);
}

/* The first of those that match behind the cursor and behind `last` (NULL: of all). */
static const struct template *next(const struct api *api, const struct filter *filter,
                                   const struct page *page, const struct template *last) {
    const struct template *best = NULL;
    for (const struct template *at = template_first(api->core); at; at = at->next)
        if (matches(at, filter) && page_holds(page, at->created_ms, at->id) &&
            (!last || is_before(last, at)) && (!best || is_before(at, best)))
            best = at;
    return best;
}

static void list(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct page page;
    struct filter filter;
    if (!parse_filter(call->x, &filter, &err) || !page_parse(call->x, &page, &err)) {
        exchange_reply_error(call->x, &err);
        return;
    }
    json_t *snapshots = json_array();
    const struct template *last = NULL, *at = NULL;
    while ((at = next(api, &filter, &page, last)) &&
           json_array_size(snapshots) < (size_t)page.limit) {
        json_array_append_new(snapshots, print_snapshot(at));
        last = at;
    }
    if (at && last)
        page_add_next(call->x, &page, last->created_ms, last->id);
    exchange_reply_json(call->x, 200, snapshots);
}

const struct route api_snapshot_routes[] = {
    {"POST", "/sandboxes/{id}/snapshots", ROUTE_JSON_MAY, create},
    {"GET", "/snapshots", 0, list},
    {0},
};
