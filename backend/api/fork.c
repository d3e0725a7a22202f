/* SPDX-License-Identifier: Apache-2.0
 *
 * New sandboxes over what a running one wrote, one entry each: the sandbox, or why there is none.
 */
#include "backend/api/sandbox_json.h"
#include "backend/api/seconds.h"
#include "backend/api/waiting.h"

enum { DEFAULT_FORK_S = 15 };

static json_t *print_error(const struct error *err) {
    return json_pack("{s:{s:i, s:s}}", "error", "code", http_status_of(err->kind), "message",
                     err->message);
}

static json_t *print_result(const struct api *api, struct exchange *x,
                            const struct fork_result *result) {
    struct error err = result->err;
    struct sandbox *sandbox = *result->id ? sandbox_lookup(api->core, result->id, &err) : NULL;
    if (!sandbox)
        return print_error(&err);
    return json_pack("{s:o}", "sandbox", sandbox_json_created(api_domain(api, x), sandbox));
}

static void on_forked(void *ctx, const struct fork_result *results, unsigned count,
                      const struct error *err) {
    const struct api *api;
    struct exchange *x = waiting_end(ctx, &api);
    if (x && err)
        exchange_reply_error(x, err);
    if (!x || err)
        return;
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, print_result(api, x, &results[i]));
    exchange_reply_json(x, 201, list);
}

static void fork_sandbox(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    int64_t seconds = DEFAULT_FORK_S, count = 1;
    if (!seconds_read(call, "timeout", false, INT32_MAX, &seconds))
        return;
    if (call->json && !json_get_int(call->json, "count", 1, FORK_MAX, &count, &err)) {
        error_wrap(&err, "validation error");
        exchange_reply_error(call->x, &err);
        return;
    }
    if (!api_known_sandbox(call))
        return;
    struct waiting *waiting = waiting_begin(call);
    if (waiting)
        sandbox_fork(api->core, call->params[0], seconds, (unsigned)count, on_forked, waiting);
}

const struct route api_fork_routes[] = {
    {"POST", "/sandboxes/{id}/fork", ROUTE_JSON_MAY, fork_sandbox},
    {0},
};
