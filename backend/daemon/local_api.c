/* SPDX-License-Identifier: Apache-2.0
 *
 * What concerns the daemon itself and no E2B server has: status, stop, staying, and what SDKs need
 * to know. Only over the Unix socket, because the key is among it.
 */
#include "backend/daemon/daemon.h"

#include "common/clock.h"

#include <string.h>

/* Over TCP even the key does not open these: whoever has only the URL and the key is an SDK. */
static bool refuse_strangers(struct call *call) {
    if (exchange_trusted(call->x))
        return false;
    struct error err = ERROR_INIT;
    error_set(&err, ERR_FORBIDDEN, "this is answered only on the backend's own socket");
    exchange_reply_error(call->x, &err);
    return true;
}

static void get_status(struct call *call) {
    const struct daemon *daemon = call->ctx;
    char socket[PATHS_MAX + sizeof(PATHS_SOCKET) + 1];
    if (refuse_strangers(call))
        return;
    snprintf(socket, sizeof(socket), "%s/%s", daemon->paths.runtime, PATHS_SOCKET);
    exchange_reply_json(call->x, 200,
                        json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:b}", "pid", (int)getpid(),
                                  "socket", socket, "url", daemon->url, "version", PACKAGE_VERSION,
                                  "stateDir", daemon->paths.state, "uptimeSeconds",
                                  (json_int_t)((clock_mono_ms() - daemon->started_ms) / 1000),
                                  "stays", daemon->stay));
}

static void get_env(struct call *call) {
    const struct daemon *daemon = call->ctx;
    if (refuse_strangers(call))
        return;
    exchange_add_header(call->x, "Cache-Control", "no-store");
    exchange_reply_json(call->x, 200,
                        json_pack("{s:s, s:s, s:s, s:s}", "apiKey", daemon->api_key, "apiUrl",
                                  daemon->url, "sandboxUrl", daemon->url, "domain",
                                  daemon->domain));
}

static void post_stay(struct call *call) {
    struct daemon *daemon = call->ctx;
    if (refuse_strangers(call))
        return;
    daemon->stay = true;
    exchange_reply_empty(call->x, 204);
}

static void post_stop(struct call *call) {
    if (refuse_strangers(call))
        return;
    exchange_reply_empty(call->x, 204);
    daemon_stop(call->ctx, "asked to");
}

const struct route local_routes[] = {
    {"GET", "/local/status", 0, get_status},
    {"GET", "/local/env", 0, get_env},
    {"POST", "/local/stay", 0, post_stay},
    {"POST", "/local/stop", 0, post_stop},
    {0},
};
