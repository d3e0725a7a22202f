/* SPDX-License-Identifier: Apache-2.0
 *
 * API keys and access tokens: the key itself is in the answer to its making, and in no other.
 */
#include "backend/api/api.h"
#include "backend/api/time_json.h"
#include "backend/core/keys.h"

#include <string.h>

bool api_check_key(void *ctx, const char *key, bool is_bearer) {
    const struct api *api = ctx;
    return keys_check(api->core, key, is_bearer);
}

static json_t *describe(const struct key *key) {
    json_t *object =
        json_pack("{s:s, s:s, s:{s:s, s:i, s:s, s:s}}", "id", key->id, "name", key->name, "mask",
                  "prefix", key_prefixes[key->kind], "valueLength", KEY_DIGITS, "maskedValuePrefix",
                  key->head, "maskedValueSuffix", key->tail);
    json_object_set_new(object, "createdAt", time_json(key->created_ms));
    return object;
}

static json_t *describe_api_key(const struct key *key) {
    json_t *object = describe(key);
    json_object_set_new(object, "createdBy", json_null());
    json_object_set_new(object, "lastUsed", key->used_ms ? time_json(key->used_ms) : json_null());
    return object;
}

static void list(struct call *call) {
    const struct api *api = call->ctx;
    json_t *all = json_array();
    for (const struct key *key = keys_list(api->core); key; key = key->next)
        if (key->kind == KEY_API)
            json_array_append_new(all, describe_api_key(key));
    exchange_reply_json(call->x, 200, all);
}

/* NULL: the answer was given. */
static const char *read_name(struct call *call) {
    struct error err = ERROR_INIT;
    const char *name = NULL;
    if (json_get_string(call->json, "name", &name, &err) && name)
        return name;
    if (err.kind == ERR_NONE)
        error_set(&err, ERR_INVALID, "property \"name\" is missing");
    error_wrap(&err, "validation error");
    exchange_reply_error(call->x, &err);
    return NULL;
}

static void create(struct call *call, enum key_kind kind) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    char text[KEY_TEXT];
    const char *name = read_name(call);
    if (!name)
        return;
    const struct key *key = key_create(api->core, kind, name, text, &err);
    if (!key) {
        exchange_reply_error(call->x, &err);
        return;
    }
    json_t *object = kind == KEY_API ? describe_api_key(key) : describe(key);
    json_object_set_new(object, kind == KEY_API ? "key" : "token", json_string(text));
    exchange_add_header(call->x, "Cache-Control", "no-store");
    exchange_reply_json(call->x, 201, object);
}

static void create_api_key(struct call *call) {
    create(call, KEY_API);
}

static void create_token(struct call *call) {
    create(call, KEY_TOKEN);
}

static void rename_api_key(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    const char *name = read_name(call);
    if (!name)
        return;
    if (key_rename(api->core, KEY_API, call->params[0], name, &err))
        exchange_reply_empty(call->x, 200);
    else
        exchange_reply_error(call->x, &err);
}

/* "id not found" is no JSON there, and clients show it as it is. */
static void delete (struct call *call, enum key_kind kind) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    if (key_delete(api->core, kind, call->params[0], &err))
        exchange_reply_empty(call->x, 204);
    else if (err.kind == ERR_NOT_FOUND)
        exchange_reply(call->x, 404, "text/plain; charset=utf-8", err.message, strlen(err.message));
    else
        exchange_reply_error(call->x, &err);
}

static void delete_api_key(struct call *call) {
    delete (call, KEY_API);
}

static void delete_token(struct call *call) {
    delete (call, KEY_TOKEN);
}

const struct route api_key_routes[] = {
    {"GET", "/api-keys", 0, list},
    {"POST", "/api-keys", ROUTE_JSON, create_api_key},
    {"PATCH", "/api-keys/{id}", ROUTE_JSON, rename_api_key},
    {"DELETE", "/api-keys/{id}", 0, delete_api_key},
    {"POST", "/access-tokens", ROUTE_JSON, create_token},
    {"DELETE", "/access-tokens/{id}", 0, delete_token},
    {0},
};
