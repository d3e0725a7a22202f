/* SPDX-License-Identifier: Apache-2.0
 *
 * The start of a daemon after another one: what the store says is alive is adopted; what is not
 * there any more, or whose time is over, is recorded as ended; what the store does not know is
 * swept away.
 */
#include "backend/core/core.h"
#include "backend/core/logs.h"
#include "backend/store/sandboxes.h"
#include "common/log.h"

#include <errno.h>

struct recovery {
    struct core *core;
    unsigned waiting; /* adoptions, and one for the loop that starts them */
    void (*done)(void *ctx);
    void *ctx;
};

static void record_end(struct sandbox *sandbox, const char *reason) {
    struct error err = ERROR_INIT;
    if (!store_sandbox_ended(sandbox->core->config.store, sandbox->id, clock_now_ms(), reason,
                             &err))
        log_warn("the end of a sandbox was not recorded", "sandbox", sandbox->id, "error",
                 err.message);
    log_info("sandbox ended while no daemon ran", "sandbox", sandbox->id, "reason", reason);
    sandbox_log(sandbox, LOG_INFO, "found to have ended: %s", reason);
}

static bool is_known(void *ctx, const char *id) {
    const struct core *core = ctx;
    return registry_get(core, id) != NULL;
}

static void finish_one(struct recovery *recovery) {
    if (--recovery->waiting)
        return;
    runtime_sweep(recovery->core->config.runtime, is_known, recovery->core);
    recovery->done(recovery->ctx);
    free(recovery);
}

static void on_adopted(void *ctx, struct guest *guest, const struct error *err) {
    struct sandbox *sandbox = ctx;
    struct recovery *recovery = sandbox->ended_ctx;
    sandbox->ended_ctx = NULL;
    if (guest) {
        sandbox_begin(sandbox, guest);
        process_begin_adopted(sandbox);
        log_info("sandbox adopted", "sandbox", sandbox->id);
    } else {
        record_end(sandbox, err->message);
        process_lose_all(sandbox);
        sandbox_leave(sandbox);
    }
    finish_one(recovery);
}

static bool fill(struct sandbox *sandbox, struct sandbox_row *row, struct error *err) {
    const struct template *template = template_by_id(row->template_id);
    if (!template)
        return error_set(err, ERR_NOT_FOUND, "its template is gone");
    sandbox_set_template(sandbox, template);
    sandbox->started_ms = row->started_ms;
    sandbox->end_ms = row->end_ms;
    if (!network_rules_from_pairs(&sandbox->network, &row->network))
        return error_set(err, ERR_INTERNAL, "its network rules cannot be read");
    sandbox->limits = (struct plan_limits){
        .memory_bytes = row->memory_bytes,
        .processes = row->processes,
        .files = row->files,
        .disk_bytes = row->disk_bytes,
        .cpus = row->cpus,
    };
    sandbox->metadata = row->metadata;
    sandbox->env = row->env;
    sandbox->mounts = row->mounts;
    row->metadata = row->env = row->mounts = (struct pairs){NULL, 0};
    return sandbox_set_access(sandbox, row->secure, err);
}

static void on_row(void *ctx, struct sandbox_row *row) {
    struct recovery *recovery = ctx;
    struct error err = ERROR_INIT;
    struct sandbox *sandbox = sandbox_new(recovery->core, row->id);
    if (!sandbox)
        return; /* swept, as if unknown: there is no memory to hold it */
    if (fill(sandbox, row, &err)) {
        sandbox_enter(sandbox);
        return;
    }
    record_end(sandbox, err.message);
    sandbox_free(sandbox);
}

static void adopt_all(struct recovery *recovery) {
    struct core *core = recovery->core;
    int64_t now = clock_now_ms();
    for (struct sandbox *at = core->newest, *older; at; at = older) {
        older = at->older;
        if (at->end_ms <= now) {
            record_end(at, "timeout");
            sandbox_leave(at);
            continue;
        }
        recovery->waiting++;
        at->ended_ctx = recovery;
        guest_adopt(core->config.runtime, at->id, false, &sandbox_guest_events, at, on_adopted);
    }
}

bool core_recover(struct core *core, void (*done)(void *ctx), void *ctx, struct error *err) {
    struct recovery *recovery = calloc(1, sizeof(*recovery));
    if (!recovery)
        return error_errno(err, ENOMEM, "cannot start");
    *recovery = (struct recovery){.core = core, .waiting = 1, .done = done, .ctx = ctx};
    if (!store_sandbox_each_alive(core->config.store, on_row, recovery, err)) {
        free(recovery);
        return error_wrap(err, "cannot find the sandboxes of an earlier daemon");
    }
    adopt_all(recovery);
    finish_one(recovery);
    return true;
}
