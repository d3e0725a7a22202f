/* SPDX-License-Identifier: Apache-2.0
 *
 * Pausing a guest in memory and letting it go on. A process inside a long system call is frozen
 * only when it leaves it, so the end of a pause may have to be awaited. One that was adopted frozen
 * has not spoken to this daemon yet: it does when it is resumed.
 */
#include "backend/runtime/internal.h"
#include "backend/runtime/stop.h"
#include "common/memory.h"

enum { LOOK_AGAIN_MS = 2, PATIENCE_LOOKS = 2500, ANSWER_MS = 10000 };

struct guest_calm {
    struct runtime *rt;
    guest_done done;
    void *ctx;
    uv_timer_t *timer;
    unsigned looks;
    struct error err;
};

bool guest_freeze(struct guest *g, struct error *err) {
    return cgroup_freeze(g->cgroup, err) ||
           (err->kind == ERR_UNSUPPORTED && stop_processes(g->pid, true, err));
}

bool guest_thaw(struct guest *g, struct error *err) {
    return cgroup_thaw(g->cgroup, err) ||
           (err->kind == ERR_UNSUPPORTED && stop_processes(g->pid, false, err));
}

static void begin(struct guest *g, guest_done done, void *ctx) {
    g->calm = memory_need(sizeof(*g->calm));
    *g->calm = (struct guest_calm){.rt = g->rt, .done = done, .ctx = ctx};
}

static void tell(void *ctx) {
    struct guest_calm *calm = ctx;
    if (!calm->rt->stopping)
        calm->done(calm->ctx, calm->err.kind ? &calm->err : NULL);
    free(calm);
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

void guest_calmed(struct guest *g, const struct error *err) {
    struct guest_calm *calm = steal_ptr(&g->calm);
    if (!calm)
        return;
    if (err)
        calm->err = *err;
    if (calm->timer)
        uv_close((uv_handle_t *)steal_ptr(&calm->timer), free_handle);
    runtime_defer(g->rt, tell, calm);
}

void guest_forget_calm(struct guest *g) {
    struct guest_calm *calm = steal_ptr(&g->calm);
    if (calm && calm->timer)
        uv_close((uv_handle_t *)calm->timer, free_handle);
    free(calm);
}

/* ---- pausing ---- */

static void paused(struct guest *g) {
    g->is_paused = true;
    g->disk_verdict = DISK_FINE;
    guest_unwatch_disk(g); /* it writes nothing, and nobody but us may thaw it */
    guest_calmed(g, NULL);
}

static void on_look(uv_timer_t *timer) {
    struct guest *g = timer->data;
    struct error err = ERROR_INIT, ignored = ERROR_INIT;
    if (cgroup_is_frozen(g->cgroup)) {
        paused(g);
    } else if (++g->calm->looks == PATIENCE_LOOKS) {
        guest_thaw(g, &ignored);
        error_set(&err, ERR_TIMEOUT, "the sandbox could not be frozen in time");
        guest_calmed(g, &err);
    }
}

static void look_again(struct guest *g, uv_timer_cb look) {
    g->calm->timer = memory_need(sizeof(*g->calm->timer));
    uv_timer_init(g->rt->loop, g->calm->timer);
    g->calm->timer->data = g;
    uv_timer_start(g->calm->timer, look, LOOK_AGAIN_MS, LOOK_AGAIN_MS);
}

void guest_pause(struct guest *guest, guest_done done, void *ctx) {
    struct error err = ERROR_INIT;
    begin(guest, done, ctx);
    if (guest->state != GUEST_RUNNING)
        error_set(&err, ERR_GONE, "the sandbox has ended");
    else if (guest_freeze(guest, &err))
        err.kind = ERR_NONE;
    if (err.kind)
        guest_calmed(guest, &err);
    else if (cgroup_is_frozen(guest->cgroup))
        paused(guest);
    else
        look_again(guest, on_look);
}

/* ---- resuming ---- */

static void on_silence(uv_timer_t *timer) {
    guest_was_lost(timer->data, "its agent does not answer");
}

/* Tried again while it only wants a descriptor or memory: else it would be lost. */
static void thaw(struct guest *guest);

static void on_thaw_again(uv_timer_t *timer) {
    thaw(timer->data);
}

static void thaw(struct guest *guest) {
    struct error err = ERROR_INIT;
    const bool thawed = guest_thaw(guest, &err);
    if (thawed && guest->calm->timer)
        uv_timer_stop(guest->calm->timer);
    if (!thawed && err.kind == ERR_UNAVAILABLE && guest->calm->looks++ < PATIENCE_LOOKS) {
        if (!guest->calm->timer)
            look_again(guest, on_thaw_again);
    } else if (!thawed) {
        guest_was_lost(guest, err.message);
    } else if (guest->state == GUEST_RUNNING) {
        guest_watch_disk(guest);
        guest_calmed(guest, NULL);
    } else {
        guest->state = GUEST_ADOPTING;
        guest_be_patient(guest, ANSWER_MS, on_silence);
        if (guest->has_greeted)
            guest_ask_for_processes(guest);
    }
}

void guest_resume(struct guest *guest, guest_done done, void *ctx) {
    struct error err = ERROR_INIT;
    begin(guest, done, ctx);
    if (guest->state == GUEST_RUNNING || guest->state == GUEST_FROZEN) {
        guest->is_paused = false;
        thaw(guest);
    } else {
        error_set(&err, ERR_GONE, "the sandbox has ended");
        guest_calmed(guest, &err);
    }
}
