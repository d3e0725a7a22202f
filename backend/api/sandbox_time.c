/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a sandbox lives, and connecting to it, which is the same thing for a running one.
 */
#include "backend/api/sandbox_json.h"

#include <inttypes.h>

enum { DEFAULT_CONNECT_S = 300, LEAST_REFRESH_S = 15, MAX_REFRESH_S = 3600 };

static void set_timeout(struct call *call, int64_t seconds, bool extend_only) {
    struct error err = ERROR_INIT;
    struct sandbox *sandbox = api_sandbox(call, true);
    if (!sandbox)
        return;
    if (sandbox_set_timeout(sandbox, seconds, extend_only, &err))
        exchange_reply_empty(call->x, 204);
    else
        exchange_reply_error(call->x, &err);
}

/* False when the answer was given. */
static bool read_seconds(struct call *call, const char *field, bool required, int64_t max,
                         int64_t *seconds) {
    struct error err = ERROR_INIT;
    int64_t least = max == INT32_MAX ? INT32_MIN : 0;
    if (required && !json_is_integer(json_object_get(call->json, field)))
        error_set(&err, ERR_INVALID, "property \"%s\" must be an integer", field);
    else if (!call->json || json_get_int(call->json, field, least, max, seconds, &err))
        return true;
    error_wrap(&err, "validation error");
    exchange_reply_error(call->x, &err);
    return false;
}

static void timeout(struct call *call) {
    int64_t seconds = 0;
    if (read_seconds(call, "timeout", true, INT32_MAX, &seconds))
        set_timeout(call, seconds, false);
}

static void refresh(struct call *call) {
    int64_t seconds = LEAST_REFRESH_S;
    if (read_seconds(call, "duration", false, MAX_REFRESH_S, &seconds))
        set_timeout(call, MAX(seconds, (int64_t)LEAST_REFRESH_S), true);
}

static void connect_sandbox(struct call *call, bool required) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    int64_t seconds = DEFAULT_CONNECT_S;
    if (!read_seconds(call, "timeout", required, INT32_MAX, &seconds))
        return;
    struct sandbox *sandbox = api_sandbox(call, true);
    if (!sandbox)
        return;
    if (sandbox_check_timeout(api->core, seconds, &err) &&
        sandbox_set_timeout(sandbox, seconds, true, &err))
        exchange_reply_json(call->x, 200, sandbox_json_created(api_domain(api, call->x), sandbox));
    else
        exchange_reply_error(call->x, &err);
}

static void connect_v1(struct call *call) {
    connect_sandbox(call, true);
}

static void connect_v2(struct call *call) {
    connect_sandbox(call, false);
}

const struct route api_sandbox_time_routes[] = {
    {"POST", "/sandboxes/{id}/timeout", ROUTE_JSON, timeout},
    {"POST", "/sandboxes/{id}/refreshes", ROUTE_JSON_MAY, refresh},
    {"POST", "/sandboxes/{id}/connect", ROUTE_JSON, connect_v1},
    {"POST", "/v2/sandboxes/{id}/connect", ROUTE_JSON_MAY, connect_v2},
    {0},
};
