/* SPDX-License-Identifier: Apache-2.0
 *
 * What happened to sandboxes, of one or of all, also of those that are long gone.
 */
#include "backend/api/event_json.h"
#include "backend/api/event_query.h"
#include "backend/core/history.h"

#include <errno.h>
#include <string.h>

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
    const char *team_id;
    struct buf text;
    bool failed;
};

static void on_event(void *ctx, const struct event_row *event) {
    struct listing *listing = ctx;
    listing->failed |= (listing->text.len > 1 && !buf_puts(&listing->text, ",")) ||
                       !event_json_put(&listing->text, listing->team_id, event);
}

static bool list(const struct api *api, const struct event_query *query, struct listing *listing,
                 struct error *err) {
    if (!buf_puts(&listing->text, "[") ||
        !history_events(api->webhooks, query, on_event, listing, err))
        return false;
    if (listing->failed || !buf_puts(&listing->text, "]"))
        return error_errno(err, ENOMEM, "cannot list the events");
    return true;
}

static void reply(struct call *call, const char *sandbox_id) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct event_query query = {.sandbox_id = sandbox_id, .limit = DEFAULT_LIMIT};
    struct listing listing = {.team_id = core_team_id(api->core), .text = BUF_INIT(MAX_ANSWER)};
    if (parse_query(call->x, &query, &err) && list(api, &query, &listing, &err))
        exchange_reply(call->x, 200, "application/json", listing.text.data, listing.text.len);
    else
        exchange_reply_error(call->x, &err);
    buf_free(&listing.text);
}

static void of_all(struct call *call) {
    reply(call, NULL);
}

/* Of an id that nobody ever had there are none. */
static void of_one(struct call *call) {
    reply(call, call->params[0]);
}

const struct route api_event_routes[] = {
    {"GET", "/events/sandboxes", 0, of_all},
    {"GET", "/events/sandboxes/{id}", 0, of_one},
    {0},
};
