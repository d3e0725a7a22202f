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

static json_t *usage_json(const struct sandbox *sandbox, const struct sandbox_usage *usage) {
    const struct guest_usage *guest = &usage->guest;
    json_t *object = json_pack(
        "{s:I, s:i, s:f, s:I, s:I, s:I, s:I, s:I}", "ts", (json_int_t)(clock_now_ms() / 1000),
        "cpu_count", (int)sandbox->limits.cpus, "cpu_used_pct",
        (double)(int64_t)(usage->cpu_percent * 100 + 0.5) / 100, "mem_total_mib",
        (json_int_t)(guest->memory_limit_bytes >> 20), "mem_used_mib",
        (json_int_t)(guest->memory_bytes >> 20), "mem_total", (json_int_t)guest->memory_limit_bytes,
        "mem_used", (json_int_t)guest->memory_bytes, "mem_cache",
        (json_int_t)guest->memory_cache_bytes);
    /* -1: this host does not know, and a number would be made up. */
    if (guest->disk_used_bytes >= 0)
        json_object_set_new(object, "disk_used", json_integer(guest->disk_used_bytes));
    if (guest->disk_total_bytes >= 0)
        json_object_set_new(object, "disk_total", json_integer(guest->disk_total_bytes));
    return object;
}

static void metrics(struct call *call) {
    struct sandbox *sandbox = call->ctx;
    struct sandbox_usage usage;
    struct error err = ERROR_INIT;
    if (!envd_authorize(sandbox, call->x))
        return;
    if (sandbox_usage(sandbox, &usage, &err))
        exchange_reply_json(call->x, 200, usage_json(sandbox, &usage));
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
