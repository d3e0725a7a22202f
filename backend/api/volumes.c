/* SPDX-License-Identifier: Apache-2.0
 *
 * Volumes themselves: made, listed, looked at, deleted. Their files are in volume_content.c and
 * volume_file.c.
 */
#include "backend/core/volumes.h"
#include "backend/api/api.h"

static void list(struct call *call) {
    const struct api *api = call->ctx;
    json_t *all = json_array();
    for (const struct volume *volume = volumes_list(api->core); volume; volume = volume->next)
        json_array_append_new(
            all, json_pack("{s:s, s:s}", "volumeID", volume->id, "name", volume->name));
    exchange_reply_json(call->x, 200, all);
}

static void reply(struct call *call, int status, const struct volume *volume, struct error *err) {
    const struct api *api = call->ctx;
    char token[VOLUME_TOKEN];
    if (!volume || !volume_token(api->core, volume, token, err)) {
        exchange_reply_error(call->x, err);
        return;
    }
    exchange_add_header(call->x, "Cache-Control", "no-store");
    exchange_reply_json(call->x, status,
                        json_pack("{s:s, s:s, s:s, s:s}", "volumeID", volume->id, "name",
                                  volume->name, "token", token, "domain",
                                  api_domain(api, call->x)));
}

static void create(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    const char *name = NULL;
    if (json_get_string(call->json, "name", &name, &err) && !name)
        error_set(&err, ERR_INVALID, "property \"name\" is missing");
    if (!name)
        error_wrap(&err, "validation error");
    reply(call, 201, name ? volume_create(api->core, name, &err) : NULL, &err);
}

static void get(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    reply(call, 200, volume_find(api->core, call->params[0], &err), &err);
}

static void delete (struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    if (volume_delete(api->core, call->params[0], &err))
        exchange_reply_empty(call->x, 204);
    else
        exchange_reply_error(call->x, &err);
}

const struct route api_volume_routes[] = {
    {"GET", "/volumes", 0, list},
    {"POST", "/volumes", ROUTE_JSON, create},
    {"GET", "/volumes/{id}", 0, get},
    {"DELETE", "/volumes/{id}", 0, delete},
    {0},
};
