/* SPDX-License-Identifier: Apache-2.0
 *
 * The start command of a template, which runs in every sandbox that is made of it, and again when
 * one starts anew without its memory: the sandbox is handed out when the ready command has
 * succeeded. A ready command that only sleeps guesses how long a start takes; that was waited for
 * when the template was built.
 */
#include "backend/core/build_steps.h"
#include "backend/core/core.h"
#include "backend/core/logs.h"
#include "backend/core/process.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_PAUSE_MS = 20, LAST_PAUSE_MS = 1000, READY_WITHIN_MS = 60 * 1000 };

struct warming {
    struct core *core;
    char id[ID_SANDBOX];
    char *ready_cmd;
    struct build_state state; /* user and directory of the commands; no layers */
    struct step_command command;
    struct process_listener start, ready;
    struct process_listener *listener; /* of what is to be run next, and who hears that it was */
    void (*started)(void *ctx, struct process *process, const struct error *err);
    uv_timer_t timer;
    uint64_t pause_ms;
    int64_t until_ms;
    struct error err;
    bool is_new;
    sandbox_done done;
    void *ctx;
};

static void on_timer_closed(uv_handle_t *handle) {
    struct warming *w = container_of((uv_timer_t *)handle, struct warming, timer);
    build_state_free(&w->state);
    free(w->ready_cmd);
    free(w);
}

static void finish(struct warming *w) {
    struct sandbox *sandbox = registry_get(w->core, w->id);
    if (w->start.process)
        process_unlisten(&w->start);
    step_command_free(&w->command);
    if (sandbox && sandbox->doom)
        sandbox = NULL;
    if (!sandbox && !w->err.kind)
        error_set(&w->err, ERR_GONE, "the sandbox ended while its start command was run");
    if (sandbox && w->err.kind && w->is_new && sandbox_is_running(sandbox)) {
        sandbox_kill(sandbox, "its start command failed", NULL, NULL);
    } else if (sandbox && w->err.kind) {
        sandbox_log(sandbox, LOG_WARN, "%s", w->err.message);
        w->err.kind = ERR_NONE;
    }
    w->done(w->ctx, w->err.kind ? NULL : sandbox, w->err.kind ? &w->err : NULL);
    uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}

/* ---- what it writes is in the sandbox's log ---- */

static void ignore_data(struct process_listener *l, enum process_stream stream, const void *bytes,
                        size_t len) {
    (void)l;
    (void)stream;
    (void)bytes;
    (void)len;
}

static void on_start_ended(struct process_listener *l, const struct process_end *end) {
    (void)end; /* a program that goes to the background by itself */
    l->process = NULL;
}

static void on_start_lost(struct process_listener *l, const struct error *why) {
    (void)why;
    l->process = NULL;
}

/* ---- is it ready? ---- */

static void on_pause_over(uv_timer_t *timer);

static void on_checked(struct process_listener *l, const struct process_end *end) {
    struct warming *w = container_of(l, struct warming, ready);
    step_command_free(&w->command);
    if (end->exited && end->exit_code == 0) {
        finish(w);
    } else if (clock_mono_ms() >= w->until_ms) {
        error_set(&w->err, ERR_TIMEOUT,
                  "the template's ready command did not succeed within %d seconds",
                  READY_WITHIN_MS / 1000);
        finish(w);
    } else {
        uv_timer_start(&w->timer, on_pause_over, w->pause_ms, 0);
        w->pause_ms = MIN(2 * w->pause_ms, (uint64_t)LAST_PAUSE_MS);
    }
}

static void on_check_lost(struct process_listener *l, const struct error *why) {
    struct warming *w = container_of(l, struct warming, ready);
    w->err = *why;
    finish(w);
}

static void on_check_started(void *ctx, struct process *process, const struct error *err) {
    struct warming *w = ctx;
    if (process)
        return;
    w->err = *err;
    finish(w);
}

/* Waits until a change of the sandbox's state is over. One that was paused goes on with its
 * commands when it is resumed, or begins anew with them. */
static void run_settled(void *ctx) {
    struct warming *w = ctx;
    struct sandbox *sandbox = registry_get(w->core, w->id);
    if (!sandbox || sandbox->doom || sandbox->state == SANDBOX_PAUSED) {
        finish(w);
        return;
    }
    if (sandbox->state != SANDBOX_RUNNING) {
        sandbox_await(sandbox, run_settled, w);
        return;
    }
    const struct process_spec spec = {.user = w->command.user,
                                      .cwd = w->command.cwd,
                                      .cmd = w->command.argv[0],
                                      .args = w->command.argv + 1,
                                      .env = w->state.env};
    process_start(sandbox, &spec, w->listener, w->started, w);
}

static void run(struct warming *w, struct process_listener *listener,
                void (*started)(void *ctx, struct process *process, const struct error *err)) {
    w->listener = listener;
    w->started = started;
    run_settled(w);
}

static void check(struct warming *w) {
    if (!*w->ready_cmd || strncmp(w->ready_cmd, "sleep ", 6) == 0)
        finish(w);
    else if (step_shell(w->ready_cmd, &w->state, &w->command, &w->err))
        run(w, &w->ready, on_check_started);
    else
        finish(w);
}

static void on_pause_over(uv_timer_t *timer) {
    check(container_of(timer, struct warming, timer));
}

static void on_started(void *ctx, struct process *process, const struct error *err) {
    struct warming *w = ctx;
    step_command_free(&w->command);
    if (process) {
        check(w);
        return;
    }
    w->err = *err;
    error_wrap(&w->err, "the template's start command failed");
    finish(w);
}

void sandbox_warm(struct sandbox *sandbox, bool is_new, sandbox_done done, void *ctx) {
    const struct template *template =
        template_by_id(sandbox->core, sandbox->template_id, sandbox->build_id);
    if (!template || !template->start_cmd || !*template->start_cmd) {
        done(ctx, sandbox, NULL);
        return;
    }
    struct warming *w = memory_need(sizeof(*w));
    *w = (struct warming){
        .core = sandbox->core,
        .start = {.data = ignore_data, .end = on_start_ended, .lost = on_start_lost},
        .ready = {.data = ignore_data, .end = on_checked, .lost = on_check_lost},
        .pause_ms = FIRST_PAUSE_MS,
        .until_ms = clock_mono_ms() + READY_WITHIN_MS,
        .is_new = is_new,
        .done = done,
        .ctx = ctx,
    };
    snprintf(w->id, sizeof(w->id), "%s", sandbox->id);
    uv_timer_init(core_loop(w->core), &w->timer);
    w->ready_cmd = memory_need_text(template->ready_cmd);
    w->state.user = memory_need_text(template->default_user);
    w->state.workdir = memory_need_text(template->default_workdir ? template->default_workdir : "");
    bool ok = pairs_copy(&w->state.env, &template->env) ||
              error_errno(&w->err, ENOMEM, "cannot run the template's start command");
    if (ok && step_shell(template->start_cmd, &w->state, &w->command, &w->err))
        run(w, &w->start, on_started);
    else
        finish(w);
}
