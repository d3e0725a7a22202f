/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a guest: kill, wait for the death of its PID 1 (with which the kernel ends all
 * others), remove its groups, put its directory into the trash.
 */
#include "backend/runtime/internal.h"
#include "common/log.h"

#include <signal.h>
#include <sys/syscall.h>

enum { REMOVAL_PAUSE_MS = 10, REMOVAL_TRIES = 200, WAIT_FOR_DEATH_MS = 30000 };

static void kill_all(struct guest *g) {
    if (g->cgroup)
        cgroup_kill(g->cgroup);
    if (g->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, g->pidfd, SIGKILL, NULL, 0);
}

/* It stays known and watched by nobody, until guest_kill. */
void guest_was_lost(struct guest *g, const char *reason) {
    if (g->state == GUEST_LOST || g->state == GUEST_ENDING)
        return;
    const bool adopting = g->state == GUEST_ADOPTING && !g->calm;
    g->state = GUEST_LOST;
    guest_unwatch_disk(g);
    kill_all(g);
    guest_stop_waiting(g);
    guest_fail_calls(g);
    error_set(&g->failure, ERR_GONE, "the sandbox %s cannot be taken over: %s", g->id, reason);
    if (adopting) {
        guest_fail(g);
    } else {
        guest_calmed(g, &g->failure); /* heard after this: */
        g->events->exited(g->ctx, reason);
    }
}

static void on_try_again(uv_timer_t *timer);

static void finish(struct guest *g) {
    guest_stop_waiting(g);
    if (g->cgroup && !cgroup_remove(g->cgroup) && g->removal_tries++ < REMOVAL_TRIES) {
        guest_be_patient(g, REMOVAL_PAUSE_MS, on_try_again);
        return;
    }
    if (g->removal_tries > REMOVAL_TRIES) {
        log_warn("control groups could not be removed", "sandbox", g->id);
        cgroup_release(g->cgroup);
    }
    g->cgroup = NULL;
    if (g->has_dir && !g->keeps_files)
        sandbox_dirs_discard(&g->rt->dirs, g->id);
    void (*ended)(void *ctx) = g->ended;
    void *ctx = g->ended_ctx;
    if (ctx != g)
        guest_free(g); /* else it frees itself */
    if (ended)
        ended(ctx);
}

static void on_try_again(uv_timer_t *timer) {
    finish(timer->data);
}

static void on_immortal(uv_timer_t *timer) {
    struct guest *g = timer->data;
    log_warn("a killed sandbox does not end", "sandbox", g->id);
    finish(g);
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

void guest_on_death(uv_poll_t *poll, int status, int events) {
    struct guest *g = poll->data;
    (void)status;
    (void)events;
    uv_close((uv_handle_t *)steal_ptr(&g->death), free_handle);
    if (g->state == GUEST_ENDING)
        finish(g);
    /* else its control connection tells, after what else there is to read from it */
}

static void finish_later(void *ctx) {
    finish(ctx);
}

void guest_end(struct guest *g, void (*done)(void *ctx), void *ctx) {
    g->ended = done;
    g->ended_ctx = ctx;
    g->state = GUEST_ENDING;
    guest_unwatch_disk(g);
    guest_forget_link(g); /* whether it still comes about is of no interest any more */
    guest_fail_calls(g);
    if (g->death) /* before its first process hears that we leave it, and may end by itself */
        remains_hold(g->rt->remains, g->pid);
    if (g->control)
        control_stop(steal_ptr(&g->control));
    kill_all(g);
    if (g->death)
        guest_be_patient(g, WAIT_FOR_DEATH_MS, on_immortal);
    else
        runtime_defer(g->rt, finish_later, g);
}

void guest_kill(struct guest *guest, void (*done)(void *ctx), void *ctx) {
    guest->keeps_files = false;
    guest_end(guest, done, ctx);
}

void guest_stop(struct guest *guest, void (*done)(void *ctx), void *ctx) {
    guest->keeps_files = true;
    guest_end(guest, done, ctx);
}

void guest_abandon(struct guest *g) {
    if (g->state != GUEST_RUNNING && g->state != GUEST_ADOPTING && g->state != GUEST_FROZEN)
        kill_all(g); /* its directory is found by the next daemon's sweep */
    guest_free(g);
}

static void free_later(void *ctx) {
    guest_free(ctx);
}

void guest_release(struct guest *guest) {
    guest->state = GUEST_ENDING;
    guest_fail_calls(guest);
    if (guest->control)
        control_stop(steal_ptr(&guest->control));
    runtime_defer(guest->rt, free_later, guest);
}
