/* SPDX-License-Identifier: Apache-2.0
 *
 * Create, look at and kill a sandbox.
 */
#include "backend/api/create_request.h"
#include "backend/api/sandbox_json.h"
#include "backend/api/waiting.h"

#include <string.h>

static void on_created(void *ctx, struct sandbox *sandbox, const struct error *err) {
    const struct api *api;
    struct exchange *x = waiting_end(ctx, &api);
    if (!x)
        return; /* whoever asked has left: its time ends the sandbox */
    if (sandbox)
        exchange_reply_json(x, 201, sandbox_json_created(api_domain(api, x), sandbox));
    else
        exchange_reply_error(x, err);
}

static void show_plan(struct call *call, struct sandbox_request *request) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    json_t *plan = sandbox_dry_run(api->core, request, &err);
    if (plan)
        exchange_reply_json(call->x, 200, plan);
    else
        exchange_reply_error(call->x, &err);
}

static bool wants_dry_run(struct call *call, bool *wanted, struct error *err) {
    const char *text = exchange_param(call->x, "dryRun", 0, err);
    *wanted = text && strcmp(text, "true") == 0;
    return err->kind == ERR_NONE;
}

static void create(struct call *call, int version) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct sandbox_request request;
    bool dry_run;
    if (!wants_dry_run(call, &dry_run, &err) ||
        !create_request_parse(call->json, version, &request, &err)) {
        exchange_reply_error(call->x, &err);
        return;
    }
    struct waiting *waiting = NULL;
    if (dry_run)
        show_plan(call, &request);
    else if ((waiting = waiting_begin(call)))
        sandbox_create(api->core, &request, on_created, waiting);
    sandbox_request_free(&request);
}

static void create_v1(struct call *call) {
    create(call, 1);
}

static void create_v2(struct call *call) {
    create(call, 2);
}

static void get(struct call *call) {
    struct sandbox *sandbox = api_known_sandbox(call);
    if (sandbox)
        exchange_reply_json(call->x, 200,
                            sandbox_json_detail(api_domain(call->ctx, call->x), sandbox));
}

static void on_killed(void *ctx) {
    const struct api *api;
    struct exchange *x = waiting_end(ctx, &api);
    if (x)
        exchange_reply_empty(x, 204);
}

static void kill_sandbox(struct call *call) {
    struct sandbox *sandbox = api_known_sandbox(call);
    struct waiting *waiting = sandbox ? waiting_begin(call) : NULL;
    if (waiting)
        sandbox_kill(sandbox, "request", on_killed, waiting);
}

const struct route api_sandbox_routes[] = {
    {"POST", "/v2/sandboxes", ROUTE_JSON, create_v2},
    {"POST", "/sandboxes", ROUTE_JSON, create_v1},
    {"GET", "/sandboxes/{id}", 0, get},
    {"DELETE", "/sandboxes/{id}", 0, kill_sandbox},
    {0},
};
