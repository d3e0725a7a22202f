/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/build_run.h"
#include "backend/core/core.h"
#include "backend/core/kept.h"
#include "backend/core/recipe.h"
#include "backend/core/uploads.h"
#include "backend/store/sandboxes.h"

#include <errno.h>
#include <string.h>

/* How long what ended is remembered. */
static const int64_t remember_ms = 7 * 24 * 3600 * INT64_C(1000);

/* ---- the store's log, moved into its file by a thread of the pool ---- */

struct checkpoint {
    uv_work_t work;
    struct core *core; /* NULL: stopped meanwhile */
    char path[];
};

static void do_checkpoint(uv_work_t *work) {
    store_checkpoint(container_of(work, struct checkpoint, work)->path);
}

static void on_checkpoint_done(uv_work_t *work, int status) {
    struct checkpoint *checkpoint = container_of(work, struct checkpoint, work);
    (void)status;
    if (checkpoint->core)
        checkpoint->core->checkpoint = NULL;
    free(checkpoint);
}

static void on_checkpoint_due(void *ctx) {
    struct core *core = ctx;
    const char *path = store_path(core->config.store);
    size_t size = strlen(path) + 1;
    struct checkpoint *checkpoint = core->checkpoint ? NULL : malloc(sizeof(*checkpoint) + size);
    if (!checkpoint)
        return;
    checkpoint->core = core;
    memcpy(checkpoint->path, path, size);
    if (uv_queue_work(core->config.loop, &checkpoint->work, do_checkpoint, on_checkpoint_done) == 0)
        core->checkpoint = checkpoint;
    else
        free(checkpoint);
}

/* ---- start and stop ---- */

static bool load_team(struct core *core, struct error *err) {
    static const char name[] = "team-id";
    bool found;
    if (!store_setting_get(core->config.store, name, core->team_id, ID_UUID, &found, err))
        return false;
    if (found)
        return true;
    ids_uuid(core->team_id);
    return store_setting_put(core->config.store, name, core->team_id, ID_UUID, err);
}

struct core *core_start(const struct core_config *config, struct error *err) {
    struct core *core = calloc(1, sizeof(*core));
    if (!core) {
        error_errno(err, ENOMEM, "cannot start");
        return NULL;
    }
    core->config = *config;
    core->idle = true;
    if (steady_start(config->store, err) && token_load_seed(core, err) && load_team(core, err) &&
        keys_load(core, err) && volumes_load(core, err) && templates_load(core, err) &&
        recipes_load(core, err) && kept_load(core, err) && uploads_start(core, err) &&
        store_sandbox_purge(config->store, steady_ago_ms(remember_ms), err) &&
        timeouts_start(core, err) && ends_start(core, err) && metrics_start(core, err) &&
        logs_start(core, config->logs, err) && collecting_start(core, err)) {
        store_on_checkpoint_due(config->store, on_checkpoint_due, core);
        return core;
    }
    keys_free(core);
    volumes_free(core);
    recipes_free(core);
    kept_free(core);
    templates_free(core);
    free(core);
    return NULL;
}

void core_stop(struct core *core) {
    if (core->checkpoint)
        core->checkpoint->core = NULL;
    timeouts_stop(core);
    collecting_stop(core);
    builds_stop(core);
    keys_free(core);
    metrics_stop(core);
    volumes_free(core);
    while (core->newest) {
        struct sandbox *sandbox = core->newest;
        process_lose_all(sandbox);
        if (sandbox->guest)
            guest_release(sandbox->guest);
        registry_remove(core, sandbox);
        sandbox_free(sandbox);
    }
    ends_stop(core);
    logs_stop(core);
    recipes_free(core);
    kept_free(core);
    uploads_free(core);
    templates_free(core);
    free(core);
}

const char *core_team_id(const struct core *core) {
    return core->team_id;
}

uv_loop_t *core_loop(const struct core *core) {
    return core->config.loop;
}
