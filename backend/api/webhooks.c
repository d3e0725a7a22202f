/* SPDX-License-Identifier: Apache-2.0
 *
 * Webhooks: made, shown, changed, removed. The secret goes in and never comes out.
 */
#include "backend/api/webhook_json.h"

#include <string.h>

/* ---- in ---- */

static bool parse_types(const json_t *body, int64_t *types, struct error *err) {
    json_t *list = NULL, *entry;
    size_t i;
    *types = -1;
    if (!json_get_array(body, "events", &list, err))
        return false;
    if (list)
        *types = 0;
    json_array_foreach(list, i, entry) {
        const char *name = json_string_value(entry);
        enum event_type type = name ? event_type_parse(name) : 0;
        if (!type)
            return error_set(err, ERR_INVALID, "property \"events\": \"%.64s\" is no type of event",
                             name ? name : "?");
        *types |= event_type_bit(type);
    }
    return true;
}

static bool parse(const json_t *body, struct webhook_request *request, struct error *err) {
    bool enabled = false;
    *request = (struct webhook_request){.enabled = -1};
    if (!json_get_string(body, "name", &request->name, err) ||
        !json_get_string(body, "url", &request->url, err) ||
        !json_get_string(body, "signatureSecret", &request->secret, err) ||
        !json_get_bool(body, "enabled", &enabled, err) || !parse_types(body, &request->types, err))
        return false;
    if (json_is_boolean(json_object_get(body, "enabled")))
        request->enabled = enabled;
    return true;
}

static bool check_complete(const struct webhook_request *request, struct error *err) {
    const struct {
        const char *field;
        bool there;
    } needed[] = {
        {"name", request->name != NULL},
        {"url", request->url != NULL},
        {"events", request->types >= 0},
        {"signatureSecret", request->secret != NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (!needed[i].there)
            return error_set(err, ERR_INVALID, "property \"%s\" is missing", needed[i].field);
    return true;
}

/* ---- out ---- */

static json_t *types_json(unsigned types) {
    json_t *list = json_array();
    for (enum event_type type = EVENT_CREATED; type < EVENT_TYPES; type++)
        if (types & event_type_bit(type))
            json_array_append_new(list, json_string(event_type_name(type)));
    return list;
}

/* Both spellings of the team: documents and specification differ. */
static json_t *webhook_json(const struct api *api, const struct webhook *webhook) {
    char time[CLOCK_TEXT];
    const char *team = core_team_id(api->core);
    bool failing = webhook->failures >= WEBHOOK_FAILING;
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:o}", "id", webhook->id,
                               "teamID", team, "teamId", team, "name", webhook->name, "createdAt",
                               clock_format(webhook->created_ms, time), "enabled", webhook->enabled,
                               "url", webhook->url, "events", types_json(webhook->types));
    json_object_set_new(object, "status",
                        json_string(!webhook->enabled ? "disabled"
                                    : failing         ? "failing"
                                                      : "active"));
    json_object_set_new(object, "failingSince",
                        failing ? json_string(clock_format(webhook->failing_ms, time))
                                : json_null());
    json_object_set_new(object, "retrying", json_integer(webhook->retry_count));
    return object;
}

struct webhook *webhook_of_call(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct webhook *webhook = webhook_find(api->webhooks, call->params[0], &err);
    if (!webhook)
        exchange_reply_error(call->x, &err);
    return webhook;
}

/* ---- the calls ---- */

static void create(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct webhook_request request;
    struct webhook *webhook = NULL;
    if (parse(call->json, &request, &err) && check_complete(&request, &err))
        webhook = webhook_create(api->webhooks, &request, &err);
    if (webhook)
        exchange_reply_json(call->x, 201, webhook_json(api, webhook));
    else
        exchange_reply_error(call->x, &err);
}

static void list(struct call *call) {
    const struct api *api = call->ctx;
    json_t *all = json_array();
    for (const struct webhook *at = webhooks_first(api->webhooks); at; at = at->next)
        json_array_append_new(all, webhook_json(api, at));
    exchange_reply_json(call->x, 200, all);
}

static void get(struct call *call) {
    const struct webhook *webhook = webhook_of_call(call);
    if (webhook)
        exchange_reply_json(call->x, 200, webhook_json(call->ctx, webhook));
}

static void update(struct call *call) {
    struct error err = ERROR_INIT;
    struct webhook_request request;
    struct webhook *webhook = webhook_of_call(call);
    if (!webhook)
        return;
    if (parse(call->json, &request, &err) && webhook_update(webhook, &request, &err))
        exchange_reply_json(call->x, 200, webhook_json(call->ctx, webhook));
    else
        exchange_reply_error(call->x, &err);
}

static void delete (struct call *call) {
    struct error err = ERROR_INIT;
    struct webhook *webhook = webhook_of_call(call);
    if (!webhook)
        return;
    if (webhook_delete(webhook, &err))
        exchange_reply_empty(call->x, 200);
    else
        exchange_reply_error(call->x, &err);
}

const struct route api_webhook_routes[] = {
    {"POST", "/events/webhooks", ROUTE_JSON, create},
    {"GET", "/events/webhooks", 0, list},
    {"GET", "/events/webhooks/{id}", 0, get},
    {"PATCH", "/events/webhooks/{id}", ROUTE_JSON, update},
    {"DELETE", "/events/webhooks/{id}", 0, delete},
    {0},
};
