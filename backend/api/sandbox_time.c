/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a sandbox lives.
 */
#include "backend/api/sandbox_json.h"
#include "backend/api/seconds.h"

enum { LEAST_REFRESH_S = 15, MAX_REFRESH_S = 3600 };

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

bool seconds_read(struct call *call, const char *field, bool required, int64_t max,
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
    if (seconds_read(call, "timeout", true, INT32_MAX, &seconds))
        set_timeout(call, seconds, false);
}

static void refresh(struct call *call) {
    int64_t seconds = LEAST_REFRESH_S;
    if (seconds_read(call, "duration", false, MAX_REFRESH_S, &seconds))
        set_timeout(call, MAX(seconds, (int64_t)LEAST_REFRESH_S), true);
}

const struct route api_sandbox_time_routes[] = {
    {"POST", "/sandboxes/{id}/timeout", ROUTE_JSON, timeout},
    {"POST", "/sandboxes/{id}/refreshes", ROUTE_JSON_MAY, refresh},
    {0},
};
