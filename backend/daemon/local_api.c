/* SPDX-License-Identifier: Apache-2.0
 *
 * What concerns the daemon itself and no E2B server has: status, stop, staying, and what SDKs need
 * to know. Only over the Unix socket, because the key is among it.
 */
#include "backend/daemon/daemon.h"

#include "backend/api/limits_json.h"
#include "backend/core/history.h"
#include "common/clock.h"

#include <string.h>

/* Over TCP even the key does not open these: whoever has only the URL and the key is an SDK. */
bool local_refuse_strangers(struct call *call) {
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
    if (local_refuse_strangers(call))
        return;
    snprintf(socket, sizeof(socket), "%s/%s", daemon->paths.runtime, PATHS_SOCKET);
    json_t *status = json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:I, s:b}", "pid", (int)getpid(), "socket", socket, "url",
        daemon->url, "version", PACKAGE_VERSION, "stateDir", daemon->paths.state, "uptimeSeconds",
        (json_int_t)((clock_mono_ms() - daemon->started_ms) / 1000), "stays", daemon->stay);
    json_object_set_new(status, "sandboxes", json_integer(sandbox_count(daemon->core)));
    json_object_set_new(status, "limits", limits_json(runtime_facts(daemon->runtime), NULL));
    exchange_reply_json(call->x, 200, status);
}

static void get_env(struct call *call) {
    const struct daemon *daemon = call->ctx;
    if (local_refuse_strangers(call))
        return;
    exchange_add_header(call->x, "Cache-Control", "no-store");
    exchange_reply_json(call->x, 200,
                        json_pack("{s:s, s:s, s:s, s:s, s:s}", "apiKey", daemon->api_key, "apiUrl",
                                  daemon->url, "sandboxUrl", daemon->url, "volumeApiUrl",
                                  daemon->url, "domain", daemon->domain));
}

static void post_stay(struct call *call) {
    struct daemon *daemon = call->ctx;
    if (local_refuse_strangers(call))
        return;
    daemon->stay = true;
    exchange_reply_empty(call->x, 204);
}

/* Who asked for a stop that ends all sandboxes first. */
struct asker {
    struct exchange *x; /* NULL: he has left */
};

static void on_asker_left(void *ctx, bool broken) {
    struct asker *asker = ctx;
    (void)broken;
    asker->x = NULL;
}

static void on_all_ended(void *ctx) {
    static const struct exchange_events none = {0};
    struct asker *asker = ctx;
    if (asker->x) {
        exchange_set_events(asker->x, &none, NULL);
        exchange_reply_empty(asker->x, 204);
    }
    free(asker);
}

static void end_all(struct daemon *daemon, struct exchange *x) {
    static const struct exchange_events events = {.closed = on_asker_left};
    struct asker *asker = malloc(sizeof(*asker));
    if (!asker) {
        exchange_reply_empty(x, 500);
        return;
    }
    asker->x = x;
    exchange_set_events(x, &events, asker);
    daemon_end_all(daemon, on_all_ended, asker);
}

static void post_stop(struct call *call) {
    struct error err = ERROR_INIT;
    if (local_refuse_strangers(call))
        return;
    const char *kill = exchange_param(call->x, "kill", 0, &err);
    if (kill && strcmp(kill, "true") == 0) {
        end_all(call->ctx, call->x);
        return;
    }
    exchange_reply_empty(call->x, 204);
    daemon_stop(call->ctx, "asked to");
}

static void post_gc(struct call *call) {
    const struct daemon *daemon = call->ctx;
    struct error err = ERROR_INIT;
    struct core_garbage found = {0};
    if (local_refuse_strangers(call))
        return;
    const char *dry = exchange_param(call->x, "dryRun", 0, &err);
    if (core_collect(daemon->core, dry && strcmp(dry, "true") == 0, &found, &err))
        exchange_reply_json(call->x, 200,
                            json_pack("{s:I, s:i}", "records", (json_int_t)found.records, "trash",
                                      (int)found.trash));
    else
        exchange_reply_error(call->x, &err);
}

static const char id_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

/* An event that did not happen, to try receivers with. */
static void post_event(struct call *call) {
    const struct daemon *daemon = call->ctx;
    struct error err = ERROR_INIT;
    const char *type = "", *sandbox_id = NULL;
    char id[ID_UUID];
    if (local_refuse_strangers(call))
        return;
    bool ok = json_get_string(call->json, "type", &type, &err) &&
              json_get_string(call->json, "sandboxId", &sandbox_id, &err);
    if (ok && !event_type_parse(type))
        ok = error_set(&err, ERR_INVALID, "\"%.64s\" is no type of event", type);
    if (ok && sandbox_id && strspn(sandbox_id, id_letters) != strlen(sandbox_id))
        ok = error_set(&err, ERR_INVALID, "property \"sandboxId\" is no id");
    if (ok && history_trigger(daemon->api.webhooks, event_type_parse(type), sandbox_id, id, &err))
        exchange_reply_json(call->x, 201, json_pack("{s:s}", "id", id));
    else
        exchange_reply_error(call->x, &err);
}

const struct route local_routes[] = {
    {"GET", "/local/status", 0, get_status},
    {"GET", "/local/env", 0, get_env},
    {"POST", "/local/stay", 0, post_stay},
    {"POST", "/local/stop", 0, post_stop},
    {"POST", "/local/gc", 0, post_gc},
    {"POST", "/local/events", ROUTE_JSON, post_event},
    {0},
};
