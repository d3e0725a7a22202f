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
    SPARES = 3,
};

bool rooms_start(struct daemon *daemon, struct error *err) {
    char path[PATHS_MAX + 16], logs[PATHS_MAX + 16];
    const struct runtime_config config = {.state = daemon->paths.state,
                                          .disk_reserve_bytes = DISK_RESERVE_BYTES,
                                          .spares = SPARES};
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
    return daemon->core != NULL;
}

void rooms_stop(struct daemon *daemon) {
    if (daemon->core)
        core_stop(daemon->core);
    if (daemon->runtime)
        runtime_stop(daemon->runtime);
    if (daemon->store)
        store_close(daemon->store);
}
