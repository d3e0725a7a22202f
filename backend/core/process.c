/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a process: started, listened to, signalled, ended, and forgotten after a while. Its
 * end is told when its output has ended too, for a child in the background may hold the pipes; only
 * one that was killed through us, or that was asked for so, ends at once.
 */
#include "backend/core/process_internal.h"
#include "backend/core/process_io.h"
#include "backend/core/process_text.h"
#include "common/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { REMEMBER_MS = 30 * 1000 };

/* ---- making and freeing ----------------------------------------------------------------------
 */

static void on_timer_closed(uv_handle_t *handle) {
    free(handle);
}

void process_free(struct process *process) {
    struct error gone = ERROR_INIT;
    error_set(&gone, ERR_GONE, "the process is gone");
    process_drop_writes(process, &gone);
    channel_close(&process->out);
    channel_close(&process->err);
    channel_close(&process->in);
    if (process->timer)
        uv_close((uv_handle_t *)process->timer, on_timer_closed);
    free(process->cmd);
    free(process->cwd);
    free(process->tag);
    for (char **at = process->args; at && *at; at++)
        free(*at);
    free(process->args);
    pairs_free(&process->env);
    free(process->log);
    if (process->is_gone)
        *process->is_gone = true;
    free(process);
}

struct process *process_new(struct sandbox *sandbox) {
    struct process *process = calloc(1, sizeof(*process));
    if (!process)
        return NULL;
    process->sandbox = sandbox;
    process->writes_end = &process->writes;
    process->timer = malloc(sizeof(*process->timer));
    if (!process->timer) {
        free(process);
        return NULL;
    }
    uv_timer_init(sandbox->core->config.loop, process->timer);
    process->timer->data = process;
    return process;
}

void process_enter(struct process *process) {
    process->next = process->sandbox->processes;
    process->sandbox->processes = process;
}

bool process_connect(struct process *process, struct guest_process *guest, struct error *err) {
    enum process_stream first = guest->pty ? PROCESS_TERMINAL : PROCESS_OUT;
    process->pid = guest->pid;
    process->pty = guest->pty;
    if (guest->out >= 0)
        process->out = channel_open(process, steal_fd(&guest->out), first, err);
    if (guest->err >= 0)
        process->err = channel_open(process, steal_fd(&guest->err), PROCESS_ERR, err);
    if (guest->in >= 0)
        process->in = channel_open(process, steal_fd(&guest->in), PROCESS_OUT, err);
    return process->out && (guest->pty || process->err) && (!guest->has_stdin || process->in);
}

void process_close_all(struct guest_process *guest) {
    close_fd(&guest->arguments);
    close_fd(&guest->out);
    close_fd(&guest->err);
    close_fd(&guest->in);
}

/* ---- the end ---------------------------------------------------------------------------------
 */

static void leave(struct process *process) {
    struct process **at = &process->sandbox->processes;
    while (*at != process)
        at = &(*at)->next;
    *at = process->next;
    process_free(process);
}

static void on_forget(uv_timer_t *timer) {
    leave(timer->data);
}

/* Tells all of its end, or why they hear of none. False when that was the end of the process too.
 */
static bool tell_end(struct process *process, const struct error *why) {
    const struct process_end how = process->end;
    bool is_gone = false, *outer = process->is_gone;
    process->is_gone = &is_gone;
    while (!is_gone && process->listeners) {
        struct process_listener *listener = process->listeners;
        process_unlisten(listener);
        if (why)
            listener->lost(listener, why);
        else
            listener->end(listener, &how);
    }
    if (is_gone && outer)
        *outer = true;
    if (!is_gone)
        process->is_gone = outer;
    return !is_gone;
}

static void end(struct process *process) {
    struct error gone = ERROR_INIT;
    error_set(&gone, ERR_INTERNAL, "stdin not enabled or closed");
    process->ended = true;
    process_text_end(process->wait_status, &process->end);
    process_log_end(process);
    channel_close(&process->out);
    channel_close(&process->err);
    channel_close(&process->in);
    process_drop_writes(process, &gone);
    uv_update_time(process->timer->loop);
    uv_timer_start(process->timer, on_forget, REMEMBER_MS, 0);
    guest_forget(process->sandbox->guest, process->pid);
    tell_end(process, NULL);
}

void process_check_end(struct process *process) {
    if (!process->ended && process->exit_known && !process->out && !process->err)
        end(process);
}

void process_on_exit(struct sandbox *sandbox, int32_t pid, int32_t status) {
    struct process *process = sandbox->processes;
    while (process && (process->pid != pid || process->exit_known))
        process = process->next;
    if (!process)
        return;
    process->wait_status = status;
    process->exit_known = true;
    process->drain_left = PROCESS_MAX_DRAIN;
    process_settle(process);
}

void process_desert_all(struct sandbox *sandbox, const struct error *why) {
    struct process *at = sandbox->processes;
    while (at && tell_end(at, why))
        at = at->next;
}

void process_lose_all(struct sandbox *sandbox) {
    struct error gone = ERROR_INIT;
    error_set(&gone, ERR_GONE, "the sandbox has ended");
    while (sandbox->processes) {
        struct process *process = sandbox->processes;
        sandbox->processes = process->next;
        process->ended = true; /* nothing more is read or told */
        if (tell_end(process, &gone))
            process_free(process);
    }
}

/* ---- signals and the deadline ----------------------------------------------------------------
 */

static void on_deadline_signal(void *ctx, const struct error *err) {
    (void)ctx;
    if (err)
        log_warn("a process past its time was not killed", "error", err->message);
}

static void on_deadline(uv_timer_t *timer) {
    struct process *process = timer->data;
    process->end.deadline = true;
    process->ends_alone = true;
    if (process->exit_known) /* a child in the background holds its pipes */
        process_settle(process);
    else
        guest_signal(process->sandbox->guest, process->pid, SIGKILL, on_deadline_signal, NULL);
}

void process_watch_deadline(struct process *process) {
    if (!process->deadline_ms)
        return;
    int64_t left_ms = MAX(process->deadline_ms - steady_now_ms(), (int64_t)0);
    uv_update_time(process->timer->loop);
    uv_timer_start(process->timer, on_deadline, (uint64_t)left_ms, 0);
}

void process_signal(struct process *process, int number,
                    void (*done)(void *ctx, const struct error *err), void *ctx) {
    if (number == SIGTERM || number == SIGKILL)
        process->ends_alone = true;
    if (number == SIGKILL)
        process->doomed = true;
    if (process->exit_known) {
        process_settle(process);
        done(ctx, NULL);
        return;
    }
    guest_signal(process->sandbox->guest, process->pid, number, done, ctx);
}

bool process_resize(struct process *process, uint16_t cols, uint16_t rows, struct error *err) {
    if (!process->pty)
        return error_set(err, ERR_INTERNAL, "tty not assigned to process");
    if (!process->out || !channel_resize(process->out, cols, rows))
        return error_errno(err, process->out ? errno : EIO, "error resizing tty");
    return true;
}

/* ---- listeners and finding -------------------------------------------------------------------
 */

void process_tell_data(struct process *process, enum process_stream stream, const void *bytes,
                       size_t len) {
    process_log_output(process, stream, bytes, len);
    for (struct process_listener *at = process->listeners, *next; at; at = next) {
        next = at->next;
        at->data(at, stream, bytes, len);
    }
}

void process_listen(struct process *process, struct process_listener *listener) {
    if (process->ended) {
        listener->process = NULL;
        listener->end(listener, &process->end);
        return;
    }
    listener->process = process;
    listener->next = process->listeners;
    process->listeners = listener;
}

void process_unlisten(struct process_listener *listener) {
    struct process *process = listener->process;
    if (!process)
        return;
    struct process_listener **at = &process->listeners;
    while (*at != listener)
        at = &(*at)->next;
    *at = listener->next;
    listener->process = NULL;
    process_settle(process);
}

void process_resume(struct process_listener *listener) {
    listener->full = false;
    if (listener->process)
        process_settle(listener->process);
}

struct process *process_by_pid(struct sandbox *sandbox, int64_t pid, struct error *err) {
    for (struct process *at = sandbox->processes; at; at = at->next)
        if (at->pid == pid)
            return at;
    error_set(err, ERR_NOT_FOUND, "process with pid %lld not found", (long long)pid);
    return NULL;
}

struct process *process_by_tag(struct sandbox *sandbox, const char *tag, struct error *err) {
    for (struct process *at = sandbox->processes; at; at = at->next)
        if (at->tag && strcmp(at->tag, tag) == 0)
            return at;
    error_set(err, ERR_NOT_FOUND, "process with tag %s not found", tag);
    return NULL;
}
