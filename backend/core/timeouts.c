/* SPDX-License-Identifier: Apache-2.0
 *
 * Ends sandboxes whose time is over. Their time goes on while a laptop sleeps, and libuv's timers
 * do not. So one timer serves all sandboxes, and looks at the clock at least every few seconds.
 */
#include "backend/core/core.h"
#include "common/log.h"

enum { LOOK_AGAIN_MS = 5000, TRY_AGAIN_MS = 60000 };

static void on_timer(uv_timer_t *timer);

static void arm(struct core *core, int64_t end_ms) {
    core->timer_ms = end_ms;
    int64_t left = MAX(end_ms - steady_now_ms(), 0);
    uv_update_time(core->config.loop);
    uv_timer_start(core->timer, on_timer, (uint64_t)MIN(left, LOOK_AGAIN_MS), 0);
}

/* One that could not be paused is tried again in a while, rather than lost. */
static void on_paused(void *ctx, const struct error *err) {
    struct sandbox *sandbox = ctx;
    if (!err)
        return;
    log_warn("a sandbox could not be paused at its end", "sandbox", sandbox->id, "error",
             err->message);
    sandbox->end_ms = steady_now_ms() + TRY_AGAIN_MS;
    timeouts_watch(sandbox->core, sandbox);
}

static void pause_at_end(struct sandbox *sandbox) {
    sandbox_pause(sandbox->core, sandbox->id, sandbox->lifecycle.keeps_memory, on_paused, sandbox);
}

static void on_timer(uv_timer_t *timer) {
    struct core *core = timer->data;
    int64_t now = steady_now_ms(), next = INT64_MAX;
    core->timer_ms = INT64_MAX;
    for (struct sandbox *at = core->newest, *older; at; at = older) {
        older = at->older; /* a kill never frees from within the call */
        if (at->state != SANDBOX_RUNNING)
            continue;
        if (at->end_ms > now)
            next = MIN(next, at->end_ms);
        else if (at->lifecycle.pauses)
            pause_at_end(at);
        else
            sandbox_kill(at, "timeout", NULL, NULL);
    }
    if (next != INT64_MAX)
        arm(core, next);
}

bool timeouts_start(struct core *core, struct error *err) {
    core->timer = malloc(sizeof(*core->timer));
    if (!core->timer)
        return error_set(err, ERR_INTERNAL, "out of memory");
    uv_timer_init(core->config.loop, core->timer);
    core->timer->data = core;
    core->timer_ms = INT64_MAX;
    return true;
}

static void on_closed(uv_handle_t *handle) {
    free(handle);
}

void timeouts_stop(struct core *core) {
    uv_close((uv_handle_t *)core->timer, on_closed);
    core->timer = NULL;
}

void timeouts_watch(struct core *core, const struct sandbox *sandbox) {
    /* One that was the next and has moved away only costs a look. */
    if (sandbox->end_ms < core->timer_ms)
        arm(core, sandbox->end_ms);
}
