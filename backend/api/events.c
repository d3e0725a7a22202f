/* SPDX-License-Identifier: Apache-2.0
 *
 * What happened to sandboxes, of one or of all, also of those that are long gone.
 */
#include "backend/api/event_json.h"
#include "backend/api/event_query.h"
#include "backend/api/waiting.h"
#include "backend/core/history.h"

#include <errno.h>
#include <stdio.h>

enum { DEFAULT_LIMIT = 10, MAX_LIMIT = 100, MAX_ANSWER = 32 << 20 };

static bool parse_query(struct exchange *x, struct event_query *query, struct error *err) {
    query->types = 0;
    for (unsigned i = 0; exchange_param(x, "types", i, err); i++)
        if (!event_query_types(exchange_param(x, "types", i, err), "types", &query->types, err))
            return false;
    if (!query->types)
        query->types = EVENT_ALL_TYPES;
    return err->kind == ERR_NONE &&
           event_query_number(x, "offset", 0, INT32_MAX, &query->offset, err) &&
           event_query_number(x, "limit", 1, MAX_LIMIT, &query->limit, err) &&
           event_query_bool(x, "orderAsc", &query->ascending, err);
}

struct listing {
    char team_id[ID_UUID];
    struct buf text;
    bool failed;
    struct waiting *waiting; /* for a page that takes long */
};

static void on_event(void *ctx, const struct event_row *event) {
    struct listing *listing = ctx;
    listing->failed |= !buf_puts(&listing->text, listing->text.len ? "," : "[") ||
                       !event_json_put(&listing->text, listing->team_id, event);
}

static struct listing *listing_new(const struct api *api) {
    struct listing *listing = malloc(sizeof(*listing));
    if (!listing)
        return NULL;
    *listing = (struct listing){.text = BUF_INIT(MAX_ANSWER)};
    snprintf(listing->team_id, sizeof(listing->team_id), "%s", core_team_id(api->core));
    return listing;
}

static void listing_free(struct listing *listing) {
    if (listing)
        buf_free(&listing->text);
    free(listing);
}

static void answer(struct exchange *x, struct listing *listing, struct error *err) {
    if (err->kind == ERR_NONE &&
        (listing->failed || !buf_puts(&listing->text, listing->text.len ? "]" : "[]")))
        error_errno(err, ENOMEM, "cannot list the events");
    if (err->kind == ERR_NONE)
        exchange_reply(x, 200, "application/json", listing->text.data, listing->text.len);
    else
        exchange_reply_error(x, err);
}

static void on_read(void *ctx, struct error *err) {
    struct listing *listing = ctx;
    const struct api *api;
    struct exchange *x = waiting_end(listing->waiting, &api);
    if (x)
        answer(x, listing, err);
    listing_free(listing);
}

/* The listing is gone then. */
static void read_later(struct call *call, const struct event_query *query,
                       struct listing *listing) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    listing->waiting = waiting_begin(call);
    if (!listing->waiting)
        listing_free(listing);
    else if (!history_events_later(api->webhooks, query, on_event, on_read, listing, &err))
        on_read(listing, &err);
}

static void reply(struct call *call, const char *sandbox_id) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct event_query query = {.sandbox_id = sandbox_id, .limit = DEFAULT_LIMIT};
    struct listing *listing = NULL;
    if (parse_query(call->x, &query, &err) && !(listing = listing_new(api)))
        error_errno(&err, ENOMEM, "cannot list the events");
    if (listing && store_event_is_deep(&query)) {
        read_later(call, &query, listing);
        return;
    }
    if (listing)
        history_events(api->webhooks, &query, on_event, listing, &err);
    answer(call->x, listing, &err);
    listing_free(listing);
}

static void of_all(struct call *call) {
    reply(call, NULL);
}

/* Of an id that nobody ever had there are none. */
static void of_one(struct call *call) {
    char own[ID_SANDBOX];
    struct error ignored = ERROR_INIT;
    const char *id = sandbox_read_id(call->params[0], own, &ignored);
    reply(call, id ? id : call->params[0]);
}

const struct route api_event_routes[] = {
    {"GET", "/events/sandboxes", 0, of_all},
    {"GET", "/events/sandboxes/{id}", 0, of_one},
    {0},
};
