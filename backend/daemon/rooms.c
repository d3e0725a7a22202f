/* SPDX-License-Identifier: Apache-2.0
 *
 * The rooms that requests are served with, each started after those it needs: the store, the Linux
 * side, and what a sandbox is. Building the base for the first time happens in here, and whoever
 * started us is told of it.
 */
#include "backend/daemon/daemon.h"

#include <stdio.h>

enum {
    MAX_SANDBOXES = 2000,
    MAX_TIMEOUT_S = 7 * 24 * 3600,
    DISK_RESERVE_BYTES = 512 << 20,
    QUIET_MS = 25, /* without requests: then webhooks may have all of the time */
    SPARES = 3,
};

/* ---- webhooks and their sender, which know each other ---- */

static void send_delivery(void *ctx, struct delivery *delivery) {
    const struct daemon *daemon = ctx;
    sender_send(daemon->sender, delivery);
}

static void on_delivered(void *ctx, struct delivery *delivery) {
    const struct daemon *daemon = ctx;
    webhooks_delivered(daemon->api.webhooks, delivery);
}

static bool is_busy(void *ctx) {
    const struct daemon *daemon = ctx;
    return daemon->server && http_server_quiet_ms(daemon->server) < QUIET_MS;
}

static bool start_webhooks(struct daemon *daemon, struct error *err) {
    struct webhooks_config config = {
        .loop = &daemon->loop,
        .store = daemon->store,
        .sender = {.send = send_delivery, .is_busy = is_busy, .ctx = daemon},
    };
    delivery_settings_read(&config.settings);
    const struct sender_config sender = {
        .loop = &daemon->loop,
        .team_id = core_team_id(daemon->core),
        .timeout_ms = config.settings.timeout_ms,
        .refuse_private = config.settings.refuse_private != 0,
        .delivered = on_delivered,
        .ctx = daemon,
    };
    daemon->sender = sender_start(&sender, err);
    daemon->api.webhooks = daemon->sender ? webhooks_start(&config, err) : NULL;
    return daemon->api.webhooks;
}

bool rooms_start(struct daemon *daemon, struct error *err) {
    char path[PATHS_MAX + 16], logs[PATHS_MAX + 16];
    const struct runtime_config config = {
        .state = daemon->paths.state, .disk_reserve_bytes = DISK_RESERVE_BYTES, .spares = SPARES};
    snprintf(path, sizeof(path), "%s/state.db", daemon->paths.state);
    daemon->store = store_open(path, err);
    if (!daemon->store)
        return false;
    snprintf(logs, sizeof(logs), "%s/logs", daemon->paths.state);
    daemon->runtime = runtime_start(&daemon->loop, &config, report_progress, NULL, err);
    if (!daemon->runtime)
        return false;
    if (!state_file(daemon, "secret-key", daemon->secret_key, err))
        return false;
    const struct core_config core = {
        .loop = &daemon->loop,
        .runtime = daemon->runtime,
        .store = daemon->store,
        .state = daemon->paths.state,
        .logs = logs,
        .max_sandboxes = MAX_SANDBOXES,
        .max_timeout_s = MAX_TIMEOUT_S,
        .secret_key = daemon->secret_key,
        .events_address = "http://192.0.2.1", /* what programs know from the hosted service */
        .idle_changed = idle_changed,
        .ctx = daemon,
    };
    daemon->core = core_start(&core, err);
    daemon->api =
        (struct api){.core = daemon->core, .domain = daemon->domain, .api_key = daemon->api_key};
    return daemon->core && start_webhooks(daemon, err);
}

void rooms_stop(struct daemon *daemon) {
    if (daemon->sender)
        sender_stop(daemon->sender);
    if (daemon->api.webhooks)
        webhooks_stop(daemon->api.webhooks);
    if (daemon->core)
        core_stop(daemon->core);
    if (daemon->runtime)
        runtime_stop(daemon->runtime);
    if (daemon->store)
        store_close(daemon->store);
}
