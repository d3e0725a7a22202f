/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/core.h"
#include "backend/store/sandboxes.h"

#include <errno.h>

/* How long what ended is remembered. */
static const int64_t remember_ms = 7 * 24 * 3600 * INT64_C(1000);

struct core *core_start(const struct core_config *config, struct error *err) {
    struct core *core = calloc(1, sizeof(*core));
    if (!core) {
        error_errno(err, ENOMEM, "cannot start");
        return NULL;
    }
    core->config = *config;
    core->idle = true;
    if (token_load_seed(core, err) &&
        store_sandbox_purge(config->store, clock_now_ms() - remember_ms, err) &&
        timeouts_start(core, err))
        return core;
    free(core);
    return NULL;
}

void core_stop(struct core *core) {
    timeouts_stop(core);
    while (core->newest) {
        struct sandbox *sandbox = core->newest;
        process_lose_all(sandbox);
        if (sandbox->guest)
            guest_release(sandbox->guest);
        registry_remove(core, sandbox);
        sandbox_free(sandbox);
    }
    free(core);
}

uv_loop_t *core_loop(const struct core *core) {
    return core->config.loop;
}
