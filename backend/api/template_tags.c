/* SPDX-License-Identifier: Apache-2.0
 *
 * Tags of templates.
 */
#include "backend/api/template_json.h"
#include "backend/api/time_json.h"

static bool read_body(struct call *call, const char *field, const char **name, json_t **tags,
                      struct error *err) {
    if (!json_get_string(call->json, field, name, err) ||
        !json_get_array(call->json, "tags", tags, err))
        return error_wrap(err, "validation error");
    if (*name && json_array_size(*tags))
        return true;
    return error_set(err, ERR_INVALID, "validation error: \"%s\" and \"tags\" are needed", field);
}

static void assign(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    const char *target = NULL;
    json_t *tags = NULL;
    const struct build *build = read_body(call, "target", &target, &tags, &err)
                                    ? recipe_assign_tags(api->core, target, tags, &err)
                                    : NULL;
    if (build)
        exchange_reply_json(call->x, 201,
                            json_pack("{s:O, s:s}", "tags", tags, "buildID", build->id));
    else
        exchange_reply_error(call->x, &err);
}

static void take_away(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    const char *name = NULL;
    json_t *tags = NULL;
    if (read_body(call, "name", &name, &tags, &err) &&
        recipe_remove_tags(api->core, name, tags, &err))
        exchange_reply_empty(call->x, 204);
    else
        exchange_reply_error(call->x, &err);
}

static void list(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    const struct recipe *recipe = recipe_find(api->core, call->params[0], &err);
    if (!recipe) {
        exchange_reply_error(call->x, &err);
        return;
    }
    json_t *all = json_array();
    for (const struct recipe_tag *at = recipe->tags; at; at = at->next)
        json_array_append_new(all,
                              json_pack("{s:s, s:s, s:o}", "tag", at->tag, "buildID", at->build->id,
                                        "createdAt", time_json(at->created_ms)));
    exchange_reply_json(call->x, 200, all);
}

const struct route api_template_tag_routes[] = {
    {"POST", "/templates/tags", ROUTE_JSON, assign},
    {"DELETE", "/templates/tags", ROUTE_JSON, take_away},
    {"GET", "/templates/{id}/tags", 0, list},
    {0},
};
