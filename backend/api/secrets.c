/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets: their values come in, and are in no answer.
 */
#include "backend/core/secrets.h"
#include "backend/api/api.h"
#include "backend/api/page.h"
#include "backend/api/time_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static json_t *describe(const struct secret_row *row) {
    return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o}", "secretID", row->id, "name", row->name,
                     "currentVersion", (json_int_t)row->version, "metadata",
                     pairs_to_json(&row->metadata), "createdAt", time_json(row->created_ms),
                     "updatedAt", time_json(row->updated_ms));
}

static void on_one(void *ctx, const struct secret_row *row) {
    json_t **object = ctx;
    json_decref(*object);
    *object = describe(row);
}

static void reply(struct call *call, int status, json_t *body, const struct error *err) {
    exchange_add_header(call->x, "Cache-Control", "no-store");
    if (err) {
        json_decref(body);
        exchange_reply_error(call->x, err);
    } else if (body) {
        exchange_reply_json(call->x, status, body);
    } else {
        exchange_reply_empty(call->x, status);
    }
}

/* ---- lists ---- */

struct listing {
    json_t *array;
    size_t limit;
    bool more;
    int64_t last_ms;
    char last_id[PAGE_ID];
};

static void on_listed(void *ctx, const struct secret_row *row) {
    struct listing *listing = ctx;
    listing->more = json_array_size(listing->array) == listing->limit;
    if (listing->more)
        return;
    json_array_append_new(listing->array, describe(row));
    listing->last_ms = row->created_ms;
    snprintf(listing->last_id, sizeof(listing->last_id), "%s", row->id);
}

static void list(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct page page;
    if (!page_parse(call->x, &page, &err)) {
        reply(call, 400, NULL, &err);
        return;
    }
    struct listing listing = {.array = json_array(), .limit = (size_t)page.limit};
    bool ok = secret_page(api->core, page.has_cursor ? page.cursor_ms : INT64_MAX, page.cursor_id,
                          page.limit + 1, on_listed, &listing, &err);
    if (ok && listing.more)
        page_add_next(call->x, &page, listing.last_ms, listing.last_id);
    reply(call, 200, listing.array, ok ? NULL : &err);
}

/* ---- one ---- */

static bool parse(const json_t *body, struct secret_request *request, struct pairs *metadata,
                  struct error *err) {
    json_t *object = NULL;
    if (!json_get_string(body, "value", &request->value, err) ||
        !json_get_object(body, "metadata", &object, err) ||
        !json_check_string_map(object, "metadata", err))
        return error_wrap(err, "Invalid secrets request");
    if (!request->value)
        return error_set(err, ERR_INVALID, "Invalid secrets request: \"value\" is missing");
    if (!pairs_from_json(metadata, object))
        return error_errno(err, ENOMEM, "metadata");
    request->metadata = object ? metadata : NULL;
    return true;
}

static void create(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct secret_request request = {0};
    struct pairs metadata = {NULL, 0};
    json_t *object = NULL;
    bool ok = json_get_string(call->json, "name", &request.name, &err) && request.name;
    if (!ok)
        error_set(&err, ERR_INVALID, "Invalid secrets request: \"name\" must be a string");
    ok = ok && parse(call->json, &request, &metadata, &err) &&
         secret_create(api->core, &request, on_one, &object, &err);
    reply(call, 201, object, ok ? NULL : &err);
    pairs_free(&metadata);
}

static void update(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct secret_request request = {0};
    struct pairs metadata = {NULL, 0};
    json_t *object = NULL;
    bool ok = parse(call->json, &request, &metadata, &err) &&
              secret_update(api->core, call->params[0], &request, on_one, &object, &err);
    reply(call, 200, object, ok ? NULL : &err);
    pairs_free(&metadata);
}

static void get(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    json_t *object = NULL;
    bool ok = secret_get(api->core, call->params[0], on_one, &object, &err);
    reply(call, 200, object, ok ? NULL : &err);
}

static void delete (struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    bool ok = secret_delete(api->core, call->params[0], &err);
    reply(call, 204, NULL, ok ? NULL : &err);
}

const struct route api_secret_routes[] = {
    {"GET", "/secrets", 0, list},           {"POST", "/secrets", ROUTE_JSON, create},
    {"GET", "/secrets/{id}", 0, get},       {"POST", "/secrets/{id}", ROUTE_JSON, update},
    {"DELETE", "/secrets/{id}", 0, delete}, {0},
};
