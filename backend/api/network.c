/* SPDX-License-Identifier: Apache-2.0
 *
 * What a running sandbox may reach is replaced as a whole: what is left out is cleared.
 */
#include "backend/api/network_request.h"
#include "backend/api/sandbox_json.h"
#include "backend/api/waiting.h"

static void on_set(void *ctx, const struct error *err) {
    const struct api *api;
    struct exchange *x = waiting_end(ctx, &api);
    if (x && err)
        exchange_reply_error(x, err);
    else if (x)
        exchange_reply_empty(x, 204);
}

static void put_network(struct call *call) {
    struct error err = ERROR_INIT;
    struct network_rules rules;
    struct sandbox *sandbox = api_sandbox(call, false);
    if (!sandbox)
        return;
    if (!network_request_parse(call->json, call->json, &rules, &err)) {
        error_wrap(&err, "validation error");
        exchange_reply_error(call->x, &err);
        return;
    }
    struct waiting *waiting = waiting_begin(call);
    if (waiting)
        sandbox_set_network(sandbox, &rules, on_set, waiting);
    network_rules_free(&rules);
}

const struct route api_network_routes[] = {
    {"PUT", "/sandboxes/{id}/network", ROUTE_JSON, put_network},
    {0},
};
