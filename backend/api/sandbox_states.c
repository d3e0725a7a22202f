/* SPDX-License-Identifier: Apache-2.0
 *
 * Pausing a sandbox and letting it go on. Connecting is resuming, or for one that runs more time.
 */
#include "backend/api/sandbox_json.h"
#include "backend/api/seconds.h"
#include "backend/api/waiting.h"

enum { DEFAULT_CONNECT_S = 300, DEFAULT_RESUME_S = 15 };

static bool read_memory(struct call *call, bool *keep) {
    struct error err = ERROR_INIT;
    if (!call->json || json_get_bool(call->json, "memory", keep, &err))
        return true;
    error_wrap(&err, "validation error");
    exchange_reply_error(call->x, &err);
    return false;
}

static void on_paused(void *ctx, const struct error *err) {
    const struct api *api;
    struct exchange *x = waiting_end(ctx, &api);
    if (x && err)
        exchange_reply_error(x, err);
    else if (x)
        exchange_reply_empty(x, 204);
}

static void pause_sandbox(struct call *call) {
    const struct api *api = call->ctx;
    bool keep_memory = true;
    if (!read_memory(call, &keep_memory) || !api_known_sandbox(call))
        return;
    struct waiting *waiting = waiting_begin(call);
    if (waiting)
        sandbox_pause(api->core, call->params[0], keep_memory, on_paused, waiting);
}

static void on_resumed(void *ctx, struct sandbox *sandbox, bool resumed, const struct error *err) {
    const struct api *api;
    struct exchange *x = waiting_end(ctx, &api);
    if (x && sandbox)
        exchange_reply_json(x, resumed ? 201 : 200,
                            sandbox_json_created(api_domain(api, x), sandbox));
    else if (x)
        exchange_reply_error(x, err);
}

static void resume(struct call *call, struct sandbox_resume *how, bool needs_time) {
    const struct api *api = call->ctx;
    bool keep_memory = true;
    if (!seconds_read(call, "timeout", needs_time, INT32_MAX, &how->timeout_s) ||
        !read_memory(call, &keep_memory))
        return;
    how->drop_memory = !keep_memory;
    struct waiting *waiting = waiting_begin(call);
    if (waiting)
        sandbox_resume(api->core, call->params[0], how, on_resumed, waiting);
}

static void connect_v1(struct call *call) {
    resume(call, &(struct sandbox_resume){.timeout_s = DEFAULT_CONNECT_S}, true);
}

static void connect_v2(struct call *call) {
    resume(call, &(struct sandbox_resume){.timeout_s = DEFAULT_CONNECT_S}, false);
}

static void resume_sandbox(struct call *call) {
    struct sandbox_resume how = {.timeout_s = DEFAULT_RESUME_S, .must_resume = true};
    struct error err = ERROR_INIT;
    how.sets_pauses = json_is_boolean(json_object_get(call->json, "autoPause"));
    if (!call->json || json_get_bool(call->json, "autoPause", &how.pauses, &err)) {
        resume(call, &how, false);
        return;
    }
    error_wrap(&err, "validation error");
    exchange_reply_error(call->x, &err);
}

const struct route api_sandbox_state_routes[] = {
    {"POST", "/sandboxes/{id}/pause", ROUTE_JSON_MAY, pause_sandbox},
    {"POST", "/sandboxes/{id}/resume", ROUTE_JSON_MAY, resume_sandbox},
    {"POST", "/sandboxes/{id}/connect", ROUTE_JSON, connect_v1},
    {"POST", "/v2/sandboxes/{id}/connect", ROUTE_JSON_MAY, connect_v2},
    {0},
};
