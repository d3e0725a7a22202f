/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds: asked for, started, and cancelled, which is this backend's own. The requests of clients
 * from before there were steps are refused, as they name an image in a registry of the hosted
 * service.
 */
#include "backend/api/build_request.h"
#include "backend/api/template_json.h"
#include "backend/core/build_run.h"

static void create(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct build_request request;
    const struct build *build = build_request_parse(call->json, &request, &err)
                                    ? build_new(api->core, &request, &err)
                                    : NULL;
    if (!build) {
        exchange_reply_error(call->x, &err);
        return;
    }
    exchange_reply_json(call->x, 202,
                        json_pack("{s:s, s:s, s:b, s:o, s:O, s:[s]}", "templateID",
                                  build->recipe->id, "buildID", build->id, "public",
                                  build->recipe->is_public, "names",
                                  template_json_names(build->recipe), "tags", build->tags,
                                  "aliases", build->recipe->name));
}

static void start(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct build_spec spec = {.file = -1};
    struct build *build = build_find(api->core, call->params[0], call->params[1], &err);
    if (build && build_spec_parse(call->json, &spec, &err) &&
        build_start(api->core, build, &spec, &err))
        exchange_reply_empty(call->x, 202);
    else
        exchange_reply_error(call->x, &err);
    build_spec_free(&spec);
}

static void cancel(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct build *build = build_find(api->core, call->params[0], call->params[1], &err);
    if (build && build_cancel(api->core, build, &err))
        exchange_reply_empty(call->x, 204);
    else
        exchange_reply_error(call->x, &err);
}

static void refuse(struct call *call) {
    struct error err = ERROR_INIT;
    error_set(&err, ERR_UNSUPPORTED,
              "this backend builds from steps alone: use POST /v3/templates, which clients do "
              "since 2025");
    exchange_reply_error(call->x, &err);
}

const struct route api_build_routes[] = {
    {"POST", "/v3/templates", ROUTE_JSON, create},
    {"POST", "/v2/templates/{id}/builds/{buildID}", ROUTE_JSON, start},
    {"POST", "/v2/templates/{id}/builds/{buildID}/cancel", ROUTE_JSON_MAY, cancel},
    {"POST", "/templates", ROUTE_JSON_MAY, refuse},
    {"POST", "/v2/templates", ROUTE_JSON_MAY, refuse},
    {"POST", "/templates/{id}", ROUTE_JSON_MAY, refuse},
    {"POST", "/templates/{id}/builds/{buildID}", ROUTE_JSON_MAY, refuse},
    {0},
};
