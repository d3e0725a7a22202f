/* SPDX-License-Identifier: Apache-2.0
 *
 * Is the sandbox there, what does it use, what is in its environment.
 */
#include "backend/envd/envd.h"

#include <errno.h>

static void health(struct call *call) {
    exchange_add_header(call->x, "Cache-Control", "no-store");
    exchange_reply_empty(call->x, 204);
}

/* -1: this host does not count it, and a number would be made up. */
static void set_known(json_t *object, const char *key, int64_t number) {
    if (number >= 0)
        json_object_set_new(object, key, json_integer(number));
}

static json_t *usage_json(const struct sandbox_usage *usage) {
    const struct guest_usage *guest = &usage->guest;
    json_t *object = json_object();
    set_known(object, "ts", clock_now_ms() / 1000);
    set_known(object, "cpu_count", guest->cpus);
    if (guest->cpu_us >= 0)
        json_object_set_new(object, "cpu_used_pct", json_real(usage->cpu_percent));
    set_known(object, "mem_total_mib", guest->memory_limit_bytes >> 20);
    set_known(object, "mem_used_mib", guest->memory_bytes >> 20);
    set_known(object, "mem_total", guest->memory_limit_bytes);
    set_known(object, "mem_used", guest->memory_bytes);
    set_known(object, "mem_cache", guest->memory_cache_bytes);
    set_known(object, "disk_used", guest->disk_used_bytes);
    set_known(object, "disk_total", guest->disk_total_bytes);
    return object;
}

static void metrics(struct call *call) {
    struct sandbox *sandbox = call->ctx;
    struct sandbox_usage usage;
    struct error err = ERROR_INIT;
    if (!envd_authorize(sandbox, call->x))
        return;
    if (sandbox_usage(sandbox, &usage, &err))
        exchange_reply_json(call->x, 200, usage_json(&usage));
    else
        exchange_reply_error(call->x, &err);
}

static void envs(struct call *call) {
    struct sandbox *sandbox = call->ctx;
    struct pairs environment cleanup(pairs_free) = {NULL, 0};
    struct error err = ERROR_INIT;
    if (!envd_authorize(sandbox, call->x))
        return;
    if (sandbox_environment(sandbox, &environment)) {
        exchange_reply_json(call->x, 200, pairs_to_json(&environment));
        return;
    }
    error_errno(&err, ENOMEM, "cannot list the environment");
    exchange_reply_error(call->x, &err);
}

const struct route envd_health_routes[] = {
    {"GET", "/health", ROUTE_OPEN, health},
    {"GET", "/metrics", ROUTE_OPEN, metrics},
    {"GET", "/envs", ROUTE_OPEN, envs},
    {0},
};
