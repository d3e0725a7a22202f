/* SPDX-License-Identifier: Apache-2.0
 *
 * The start of a daemon after another one: what the store says is alive is adopted; what is not
 * there any more, or whose time is over, is recorded as ended; what the store does not know is
 * swept away.
 */
#include "backend/core/core.h"
#include "backend/core/logs.h"
#include "backend/store/sandboxes.h"
#include "common/json.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct recovery {
    struct core *core;
    unsigned waiting; /* adoptions, and one for the loop that starts them */
    void (*done)(void *ctx);
    void *ctx;
};

static void record_end(struct sandbox *sandbox, const char *reason) {
    record_killed(sandbox, reason);
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
    layers_sweep(recovery->core);
    recovery->done(recovery->ctx);
    free(recovery);
}

static void restore_network(const struct sandbox *sandbox) {
    const struct plan_network network = network_rules_plan(&sandbox->network);
    guest_restore_network(sandbox->guest, &network);
}

static void on_adopted(void *ctx, struct guest *guest, const struct error *err) {
    struct sandbox *sandbox = ctx;
    struct recovery *recovery = sandbox->ended_ctx;
    sandbox->ended_ctx = NULL;
    if (guest) {
        sandbox->guest = guest;
        restore_network(sandbox);
        sandbox_change(sandbox, SANDBOX_RUNNING);
        sandbox_begin(sandbox);
        process_begin_adopted(sandbox);
        log_info("sandbox adopted", "sandbox", sandbox->id);
    } else {
        record_end(sandbox, err->message);
        process_lose_all(sandbox);
        sandbox_leave(sandbox);
    }
    finish_one(recovery);
}

/* It was killed, and the daemon died before it could record that. */
static void was_gone(struct sandbox *sandbox) {
    record_end(sandbox, "what it wrote is not there any more");
    process_lose_all(sandbox);
    sandbox_leave(sandbox);
}

/* Its memory does not outlive the machine; what it wrote does. */
static void on_paused_adopted(void *ctx, struct guest *guest, const struct error *err) {
    struct sandbox *sandbox = ctx;
    struct recovery *recovery = sandbox->ended_ctx;
    struct error own = ERROR_INIT;
    sandbox->ended_ctx = NULL;
    sandbox->guest = guest;
    if (!guest && !runtime_clear(sandbox->core->config.runtime, sandbox->id)) {
        was_gone(sandbox);
        finish_one(recovery);
        return;
    }
    if (!guest) {
        sandbox_log(
            sandbox, LOG_WARN,
            "its memory was lost while it was paused, with the machine's restart or because "
            "its processes were killed: it will start anew (%s)",
            err->message);
        process_lose_all(sandbox);
        sandbox->paused = PAUSED_LOST;
        if (!store_sandbox_paused(sandbox->core->config.store, sandbox->id, PAUSED_LOST,
                                  sandbox->paused_ms, &own))
            log_warn("that was not recorded", "sandbox", sandbox->id, "error", own.message);
    }
    if (guest)
        restore_network(sandbox);
    sandbox_change(sandbox, SANDBOX_PAUSED);
    finish_one(recovery);
}

static bool fill_overlays(struct sandbox *sandbox, const char *text, struct error *err) {
    struct overlays overlays = {.count = 0};
    cleanup_json json_t *object = json_parse(text, strlen(text), err);
    if (!object || !overlays_parse(&overlays, object))
        return error_set(err, ERR_INTERNAL, "its layers cannot be read");
    bool ok = sandbox_set_overlays(sandbox, &overlays, err);
    overlays_free(&overlays);
    return ok;
}

static bool fill(struct sandbox *sandbox, struct sandbox_row *row, struct error *err) {
    const struct template *template =
        template_by_id(sandbox->core, row->template_id, row->build_id);
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
    sandbox->timeout_s = row->timeout_s;
    sandbox->lifecycle =
        (struct sandbox_lifecycle){row->pauses, row->keeps_memory, row->auto_resume};
    sandbox->paused = row->paused;
    sandbox->paused_ms = row->paused_ms;
    sandbox->execution_ms = row->execution_ms;
    snprintf(sandbox->execution_id, sizeof(sandbox->execution_id), "%s", row->execution_id);
    sandbox->metadata = row->metadata;
    sandbox->env = row->env;
    sandbox->mounts = row->mounts;
    row->metadata = row->env = row->mounts = (struct pairs){NULL, 0};
    return fill_overlays(sandbox, row->overlays, err) &&
           sandbox_set_access(sandbox, row->secure, err);
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

static void adopt(struct recovery *recovery, struct sandbox *sandbox) {
    recovery->waiting++;
    sandbox->ended_ctx = recovery;
    struct plan plan = {.limits = sandbox->limits};
    snprintf(plan.id, sizeof(plan.id), "%s", sandbox->id);
    guest_adopt(recovery->core->config.runtime, &plan, sandbox->paused != PAUSED_NOT,
                &sandbox_guest_events, sandbox, sandbox->paused ? on_paused_adopted : on_adopted);
}

static void adopt_all(struct recovery *recovery) {
    struct core *core = recovery->core;
    int64_t now = steady_now_ms();
    for (struct sandbox *at = core->newest, *older; at; at = older) {
        older = at->older;
        const bool is_over = !at->paused && at->end_ms <= now && !at->lifecycle.pauses;
        if (is_over) {
            record_end(at, "timeout");
            sandbox_leave(at);
        } else if (at->paused == PAUSED_ON_DISK || at->paused == PAUSED_LOST) {
            if (runtime_clear(core->config.runtime, at->id))
                sandbox_change(at, SANDBOX_PAUSED);
            else
                was_gone(at);
        } else {
            adopt(recovery, at);
        }
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
