/* SPDX-License-Identifier: Apache-2.0
 *
 * Which room a request belongs to. The control plane, the sandboxes' own API and the way to their
 * ports share one address, so this is decided before any path is looked at: what names a sandbox
 * (by its Host or by headers) goes there, to its own API on ENVD_PORT or to a program's port.
 */
#include "backend/daemon/daemon.h"

#include "backend/envd/address.h"
#include "backend/envd/envd.h"
#include "backend/envd/ports.h"
#include "backend/envd/signature.h"
#include "backend/envd/wake.h"
#include "common/memory.h"

#include <string.h>

static void serve_local(struct daemon *daemon, struct exchange *x) {
    static const struct route *const tables[] = {local_routes, local_cache_routes,
                                                 local_image_routes};
    const struct router router = {
        .tables = tables, .table_count = ARRAY_LEN(tables), .ctx = daemon};
    router_serve(&router, x);
}

static void serve_api(struct daemon *daemon, struct exchange *x) {
    static const struct route *const tables[] = {
        api_sandbox_routes,       api_sandbox_list_routes,
        api_sandbox_time_routes,  api_network_routes,
        api_health_routes,        api_key_routes,
        api_secret_routes,        api_team_routes,
        api_volume_routes,        api_volume_content_routes,
        api_volume_file_routes,   api_metrics_routes,
        api_log_routes,           api_event_routes,
        api_webhook_routes,       api_delivery_routes,
        api_sandbox_state_routes, api_fork_routes,
        api_snapshot_routes,      api_template_tag_routes,
        api_template_routes,      api_template_file_routes,
        api_build_routes,         api_build_log_routes,
    };
    const struct router router = {.tables = tables,
                                  .table_count = ARRAY_LEN(tables),
                                  .ctx = &daemon->api,
                                  .check_key = api_check_key};
    router_serve(&router, x);
}

/* What the hosted service's orchestrator says to its sandboxes, closed to everybody else. */
static bool is_internal(const char *path) {
    static const char *const paths[] = {"/init",     "/freeze", "/unfreeze", "/collapse",
                                        "/fsfreeze", "/fsthaw", "/upgrade"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (strcmp(path, paths[i]) == 0)
            return true;
    return false;
}

static void refuse_internal(struct exchange *x) {
    exchange_reply_json(x, 404,
                        json_pack("{s:s, s:s, s:i}", "message", "This path is not available",
                                  "path", exchange_path(x), "code", 404));
}

static void refuse_address(struct exchange *x, enum address_kind kind) {
    const char *text = kind == ADDRESS_BAD_ID     ? "Invalid sandbox ID"
                       : kind == ADDRESS_BAD_PORT ? "Invalid sandbox port"
                                                  : "missing header E2b-Sandbox-Port";
    exchange_reply(x, 400, "text/plain; charset=utf-8", text, strlen(text));
}

static void serve_running(struct sandbox *sandbox, unsigned port, struct exchange *x) {
    if (port == ENVD_PORT)
        envd_serve(sandbox, x);
    else
        ports_serve(sandbox, port, x);
}

static void serve_sandbox(struct daemon *daemon, const struct address *address,
                          struct exchange *x) {
    if (address->port == ENVD_PORT && is_internal(exchange_path(x)))
        refuse_internal(x);
    else
        wake(daemon->core, address->id, address->port, x, serve_running);
}

/* A file's URL, pre-signed, as it is handed to a browser: no header, and no sandbox in the Host. */
static void serve_file_url(struct daemon *daemon, struct exchange *x) {
    struct sandbox *sandbox = signature_find(daemon->core, x);
    if (sandbox)
        envd_serve(sandbox, x);
    else
        exchange_reply_error(
            x, &(struct error){.kind = ERR_UNAUTHENTICATED, .message = "invalid signature"});
}

/* A browser's preliminary question names the headers that will say which sandbox, without what will
 * be in them. */
static bool is_preliminary(struct exchange *x) {
    const char *headers = exchange_header(x, "Access-Control-Request-Headers");
    return slice_is(exchange_head(x)->method, "OPTIONS") &&
           exchange_header(x, "Access-Control-Request-Method") &&
           (strcmp(exchange_path(x), "/files") == 0 ||
            (headers && strcasestr(headers, "E2b-Sandbox-Id")));
}

static void refuse_for_memory(struct exchange *x) {
    static const char text[] = "{\"code\":503,\"message\":\"the backend has no memory left\","
                               "\"hint\":\"try again when there is more free memory\"}";
    exchange_reply(x, 503, "application/json; charset=utf-8", text, sizeof(text) - 1);
}

void dispatch(void *ctx, struct exchange *x) {
    struct daemon *daemon = ctx;
    struct address address;
    enum address_kind kind = address_find(exchange_head(x), &address);
    if (!memory_is_there())
        refuse_for_memory(x);
    else if (kind == ADDRESS_SANDBOX)
        serve_sandbox(daemon, &address, x);
    else if (kind != ADDRESS_NONE)
        refuse_address(x, kind);
    else if (is_preliminary(x))
        router_allow(x, "GET, HEAD, POST, PUT, PATCH, DELETE");
    else if (strcmp(exchange_path(x), "/files") == 0)
        serve_file_url(daemon, x);
    else if (strncmp(exchange_path(x), "/local/", 7) == 0)
        serve_local(daemon, x);
    else
        serve_api(daemon, x);
}
