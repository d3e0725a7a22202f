/* SPDX-License-Identifier: Apache-2.0
 *
 * From running to paused. The record is made while the sandbox stands still: before it a daemon
 * that dies leaves a running sandbox, after it a paused one.
 */
#include "backend/core/core.h"
#include "backend/core/logs.h"
#include "common/log.h"
#include "common/memory.h"

struct pausing {
    struct order order;
    struct sandbox *sandbox;
    bool keep_memory;
    sandbox_changed done;
    void *ctx;
};

/* ---- a sandbox whose first process has ended ---- */

static void on_lost_stopped(void *ctx) {
    struct sandbox *sandbox = ctx;
    struct error err = ERROR_INIT;
    sandbox->paused = PAUSED_LOST;
    if (!store_sandbox_paused(sandbox->core->config.store, sandbox->id, PAUSED_LOST,
                              sandbox->paused_ms, &err))
        log_warn("the loss of a paused sandbox's memory was not recorded", "sandbox", sandbox->id,
                 "error", err.message);
    sandbox_settle(sandbox, SANDBOX_PAUSED);
}

/* What a paused one wrote is still there. */
void sandbox_was_lost(struct sandbox *sandbox) {
    if (sandbox->state == SANDBOX_RUNNING) {
        sandbox_kill(sandbox, "its first process ended", NULL, NULL);
        return;
    }
    if (!sandbox->guest)
        return;
    sandbox_log(sandbox, LOG_WARN, "its processes ended while it was paused: it will start anew");
    sandbox_change(sandbox, SANDBOX_PAUSING);
    process_lose_all(sandbox);
    guest_stop(steal_ptr(&sandbox->guest), on_lost_stopped, sandbox);
}

void sandbox_guest_exited(void *ctx, const char *reason) {
    struct sandbox *sandbox = ctx;
    if (sandbox->state == SANDBOX_RUNNING)
        sandbox_kill(sandbox, reason, NULL, NULL);
    else if (sandbox->state == SANDBOX_PAUSED)
        sandbox_was_lost(sandbox);
    else
        sandbox->is_lost = true;
}

/* ---- pausing ---- */

static void fail(struct order *order, const struct error *err) {
    struct pausing *p = container_of(order, struct pausing, order);
    p->done(p->ctx, err);
    free(p);
}

static void stay_running(struct pausing *p, const struct error *err) {
    sandbox_begin(p->sandbox);
    sandbox_settle(p->sandbox, SANDBOX_RUNNING);
    fail(&p->order, err);
}

static void finish(struct pausing *p) {
    sandbox_log(p->sandbox, LOG_INFO, "paused, and %s is kept",
                p->sandbox->guest ? "its memory" : "what it wrote");
    sandbox_settle(p->sandbox, SANDBOX_PAUSED);
    p->done(p->ctx, NULL);
    free(p);
}

struct give_up {
    struct pausing *pausing;
    struct error err;
};

static void on_thawed(void *ctx, const struct error *err) {
    struct give_up *g = ctx;
    (void)err; /* lost: that is met when the change is over */
    stay_running(g->pausing, &g->err);
    free(g);
}

static void give_up(struct pausing *p, const struct error *err) {
    struct give_up *g = memory_need(sizeof(*g));
    *g = (struct give_up){p, *err};
    guest_resume(p->sandbox->guest, on_thawed, g);
}

/* So that what a machine that is switched off leaves is the file system of this moment. */
static void on_synced_late(void *ctx, const struct error *err) {
    (void)ctx;
    if (err)
        log_warn("what a paused sandbox wrote is not on disk", "error", err->message);
}

static void on_stopped(void *ctx) {
    struct pausing *p = ctx;
    p->sandbox->is_lost = false;
    finish(p);
}

static void on_synced(void *ctx, const struct error *err) {
    struct pausing *p = ctx;
    struct error own = ERROR_INIT;
    if (!err && !record_paused(p->sandbox, PAUSED_ON_DISK, &own))
        err = &own;
    if (err) {
        give_up(p, err);
        return;
    }
    process_lose_all(p->sandbox);
    guest_stop(steal_ptr(&p->sandbox->guest), on_stopped, p);
}

static void on_still(void *ctx, const struct error *err) {
    struct pausing *p = ctx;
    struct error own = ERROR_INIT;
    struct runtime *rt = p->sandbox->core->config.runtime;
    if (err) {
        stay_running(p, err);
    } else if (!p->keep_memory) {
        runtime_sync(rt, on_synced, p);
    } else if (record_paused(p->sandbox, PAUSED_IN_MEMORY, &own)) {
        finish(p);
        runtime_sync(rt, on_synced_late, NULL);
    } else {
        give_up(p, &own);
    }
}

static void begin(struct order *order, struct sandbox *sandbox) {
    struct pausing *p = container_of(order, struct pausing, order);
    struct error err = ERROR_INIT;
    if (sandbox->state == SANDBOX_PAUSED) {
        error_set(&err, ERR_CONFLICT, "Error pausing sandbox - sandbox '%s' is already paused",
                  sandbox->id);
        fail(order, &err);
        return;
    }
    p->sandbox = sandbox;
    sandbox_change(sandbox, SANDBOX_PAUSING);
    guest_set_deadline(sandbox->guest, 0); /* nobody's absence ends a paused one */
    guest_pause(sandbox->guest, on_still, p);
}

void sandbox_pause(struct core *core, const char *id, bool keep_memory, sandbox_changed done,
                   void *ctx) {
    struct pausing *p = memory_need(sizeof(*p));
    *p = (struct pausing){.order = {.core = core, .begin = begin, .fail = fail},
                          .keep_memory = keep_memory,
                          .done = done,
                          .ctx = ctx};
    order_give(&p->order, id);
}
