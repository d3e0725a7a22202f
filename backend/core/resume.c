/* SPDX-License-Identifier: Apache-2.0
 *
 * From paused to running: thawed where its memory is there, else started anew over what it wrote.
 */
#include "backend/core/core.h"
#include "backend/core/logs.h"
#include "common/log.h"
#include "common/memory.h"

#include <string.h>

struct resuming {
    struct order order;
    struct sandbox *sandbox;
    struct sandbox_resume how;
    bool is_anew;
    sandbox_resumed done;
    void *ctx;
};

static void fail(struct order *order, const struct error *err) {
    struct resuming *r = container_of(order, struct resuming, order);
    r->done(r->ctx, NULL, false, err);
    free(r);
}

static void stay_paused(struct resuming *r, const struct error *err) {
    log_warn("a sandbox was not resumed", "sandbox", r->sandbox->id, "error", err->message);
    sandbox_settle(r->sandbox, SANDBOX_PAUSED);
    fail(&r->order, err);
}

/* What the record is made of; the old is put back if it cannot be made. */
static bool record(struct resuming *r, struct error *err) {
    struct sandbox *s = r->sandbox;
    const struct sandbox_lifecycle lifecycle = s->lifecycle;
    const int64_t end_ms = s->end_ms, execution_ms = s->execution_ms;
    char execution_id[ID_UUID];
    memcpy(execution_id, s->execution_id, sizeof(execution_id));
    ids_uuid(s->execution_id);
    s->execution_ms = steady_now_ms();
    s->end_ms = s->execution_ms + r->how.timeout_s * 1000;
    if (r->how.sets_pauses)
        s->lifecycle.pauses = r->how.pauses;
    if (record_resumed(s, err))
        return true;
    s->lifecycle = lifecycle;
    s->end_ms = end_ms;
    s->execution_ms = execution_ms;
    memcpy(s->execution_id, execution_id, sizeof(execution_id));
    return false;
}

static void on_warm(void *ctx, struct sandbox *sandbox, const struct error *err) {
    struct resuming *r = ctx;
    if (sandbox) {
        r->done(r->ctx, sandbox, true, NULL);
        free(r);
    } else {
        fail(&r->order, err);
    }
}

static void on_running(void *ctx) {
    struct resuming *r = ctx;
    struct error err = ERROR_INIT;
    struct sandbox *sandbox = sandbox_lookup(r->order.core, r->order.id, &err);
    if (!sandbox)
        fail(&r->order, &err); /* it was to end meanwhile */
    else if (r->is_anew)
        sandbox_warm(sandbox, false, on_warm, r);
    else
        on_warm(r, sandbox, NULL);
}

static void finish(struct resuming *r, bool is_anew) {
    struct sandbox *sandbox = r->sandbox;
    r->is_anew = is_anew;
    process_begin_adopted(sandbox);
    sandbox_begin(sandbox);
    sandbox_log(sandbox, LOG_INFO, "resumed");
    metrics_count_start(sandbox->core);
    sandbox_await_first(sandbox, on_running, r);
    sandbox_settle(sandbox, SANDBOX_RUNNING);
}

/* ---- anew ---- */

struct setback {
    struct resuming *resuming;
    struct error err;
};

static struct setback *setback_new(struct resuming *r, const struct error *err) {
    struct setback *setback = memory_need(sizeof(*setback));
    *setback = (struct setback){r, *err};
    return setback;
}

static void on_stopped_again(void *ctx) {
    struct setback *setback = ctx;
    stay_paused(setback->resuming, &setback->err);
    free(setback);
}

static void on_started(void *ctx, struct guest *guest, const struct error *err) {
    struct resuming *r = ctx;
    struct error own = ERROR_INIT;
    if (!guest) {
        stay_paused(r, err);
        return;
    }
    if (!record(r, &own)) {
        guest_stop(guest, on_stopped_again, setback_new(r, &own));
        return;
    }
    r->sandbox->guest = guest;
    finish(r, true);
}

/* The owner that the guest's events go to is the sandbox, and the answer needs both. */
static void on_ready(void *ctx, struct guest *guest, const struct error *err) {
    struct sandbox *sandbox = ctx;
    on_started(steal_ptr(&sandbox->resuming), guest, err);
}

static void start_anew(struct resuming *r) {
    struct sandbox *sandbox = r->sandbox;
    sandbox_log(sandbox, LOG_INFO, "starts anew, from what it wrote");
    struct error err = ERROR_INIT;
    struct plan plan;
    sandbox->is_lost = false;
    if (!limits_check_memory(&err)) {
        stay_paused(r, &err);
        return;
    }
    sandbox_fill_plan(sandbox, &plan);
    plan.resumes = true;
    sandbox->resuming = r;
    guest_create(sandbox->core->config.runtime, &plan, &sandbox_guest_events, sandbox, on_ready);
}

static void on_stopped(void *ctx) {
    start_anew(ctx);
}

static void drop_memory(struct resuming *r) {
    process_lose_all(r->sandbox);
    guest_stop(steal_ptr(&r->sandbox->guest), on_stopped, r);
}

/* ---- thawed ---- */

static void on_frozen_again(void *ctx, const struct error *err) {
    (void)err;
    on_stopped_again(ctx);
}

static void on_thawed(void *ctx, const struct error *err) {
    struct resuming *r = ctx;
    struct error own = ERROR_INIT;
    if (err)
        drop_memory(r); /* it was lost: what it wrote is not */
    else if (record(r, &own))
        finish(r, false);
    else
        guest_pause(r->sandbox->guest, on_frozen_again, setback_new(r, &own));
}

/* ---- the order ---- */

static void extend(struct resuming *r, struct sandbox *sandbox) {
    struct error err = ERROR_INIT;
    if (r->how.must_resume)
        error_set(&err, ERR_CONFLICT, "Sandbox %s is already running", sandbox->id);
    if (err.kind || !sandbox_set_timeout(sandbox, r->how.timeout_s, true, &err)) {
        fail(&r->order, &err);
        return;
    }
    r->done(r->ctx, sandbox, false, NULL);
    free(r);
}

static void begin(struct order *order, struct sandbox *sandbox) {
    struct resuming *r = container_of(order, struct resuming, order);
    struct error err = ERROR_INIT;
    r->sandbox = sandbox;
    if (sandbox->state == SANDBOX_RUNNING) {
        extend(r, sandbox);
        return;
    }
    if (!limits_count(order->core, 1, &err)) {
        fail(order, &err);
        return;
    }
    sandbox_change(sandbox, SANDBOX_RESUMING);
    if (!sandbox->guest)
        start_anew(r);
    else if (r->how.drop_memory)
        drop_memory(r);
    else
        guest_resume(sandbox->guest, on_thawed, r);
}

void sandbox_resume(struct core *core, const char *id, const struct sandbox_resume *how,
                    sandbox_resumed done, void *ctx) {
    struct resuming *r = memory_need(sizeof(*r));
    struct error err = ERROR_INIT;
    *r = (struct resuming){.order = {.core = core, .begin = begin, .fail = fail},
                           .how = *how,
                           .done = done,
                           .ctx = ctx};
    if (sandbox_check_timeout(core, how->timeout_s, &err))
        order_give(&r->order, id);
    else
        fail(&r->order, &err);
}
