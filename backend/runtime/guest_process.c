/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked of a running guest's agent. Every request is a call that is answered once: by the
 * agent, or by the guest's end.
 */
#include "backend/runtime/arguments_memfd.h"
#include "backend/runtime/internal.h"
#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

struct guest_call {
    struct guest *guest;
    void *ctx;
    void (*done)(void *ctx, const struct error *err); /* of a signal */
    /* of a spawn: */
    guest_spawned spawned;
    int status;                   /* pipe: end of file means it runs */
    struct agent_request request; /* while it is held for the network */
    int held[2];
    uv_poll_t *watch;
    struct guest_process process;
    char *user, *cwd; /* for the error */
    bool is_over;     /* answered; only its end is awaited, to be forgotten */
    struct error err;
    struct guest_call *next;
};

static struct guest_call *call_new(struct guest *g, void *ctx) {
    struct guest_call *call = memory_need(sizeof(*call));
    call->guest = g;
    call->ctx = ctx;
    call->status = call->held[0] = call->held[1] = -1;
    call->process =
        (struct guest_process){.pid = -1, .arguments = -1, .out = -1, .err = -1, .in = -1};
    call->next = g->calls;
    g->calls = call;
    return call;
}

static void unlink_call(struct guest_call *call) {
    struct guest_call **at = &call->guest->calls;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

static void stop_watching(struct guest_call *call) {
    if (call->watch)
        uv_close((uv_handle_t *)steal_ptr(&call->watch), free_handle);
    close_fd(&call->status);
}

static void close_process(struct guest_process *p) {
    close_fd(&p->arguments);
    close_fd(&p->out);
    close_fd(&p->err);
    close_fd(&p->in);
}

static void call_free(struct guest_call *call) {
    stop_watching(call);
    close_process(&call->process);
    close_fd(&call->held[0]);
    close_fd(&call->held[1]);
    free(call->user);
    free(call->cwd);
    free(call);
}

/* Of a call that is in no list any more. */
static void answer_error(void *ctx) {
    struct guest_call *call = ctx;
    if (call->spawned)
        call->spawned(call->ctx, NULL, &call->err);
    else if (call->done)
        call->done(call->ctx, &call->err);
    call_free(call);
}

void guest_fail_calls(struct guest *g) {
    struct guest_call *call;
    while ((call = g->calls)) {
        g->calls = call->next;
        stop_watching(call);
        if (call->is_over) {
            call_free(call);
            continue;
        }
        error_set(&call->err, ERR_GONE, "the sandbox has ended");
        runtime_defer(g->rt, answer_error, call);
    }
}

static void fail_later(struct guest_call *call) {
    struct runtime *rt = call->guest->rt;
    unlink_call(call);
    runtime_defer(rt, answer_error, call);
}

static bool is_there(struct guest *g, struct error *err) {
    if (g->state == GUEST_RUNNING && g->control)
        return guest_runs(g, err);
    return error_set(err, ERR_GONE, "the sandbox has ended");
}

/* ---- spawn ------------------------------------------------------------------------------------
 */

void guest_take_process(struct guest_process *process, struct control_reply *reply) {
    const struct agent_reply *head = &reply->head;
    size_t at = 0;
    *process = (struct guest_process){.pid = head->pid,
                                      .pty = head->flags & PROCESS_PTY,
                                      .has_stdin = head->flags & PROCESS_STDIN,
                                      .exited = head->flags & PROCESS_EXITED,
                                      .status = head->status,
                                      .arguments = -1,
                                      .err = -1,
                                      .in = -1};
    if (head->type == AGENT_PROCESS)
        process->arguments = steal_fd(&reply->fds[at++]);
    process->out = steal_fd(&reply->fds[at++]);
    if (!process->pty)
        process->err = steal_fd(&reply->fds[at++]);
    if (!process->pty && process->has_stdin)
        process->in = steal_fd(&reply->fds[at++]);
}

static bool spawn_error(const struct guest_call *call, const struct spawn_status *status,
                        struct error *err) {
    switch (status->failure) {
    case SPAWN_NO_USER:
        return error_set(err, ERR_UNAUTHENTICATED, "invalid username: '%s'", call->user);
    case SPAWN_NO_CWD:
        if (status->error == ENOENT)
            return error_set(err, ERR_INVALID, "cwd '%s' does not exist", call->cwd);
        if (status->error == EINVAL)
            return error_set(err, ERR_INVALID, "cannot expand user-specific home dir");
        error_errno(err, status->error, "cannot enter cwd '%s'", call->cwd);
        err->kind = ERR_INVALID;
        return false;
    case SPAWN_NO_PROGRAM:
        error_errno(err, status->error, "cannot start the program");
        err->kind = ERR_INVALID;
        return false;
    default:
        return error_errno(err, status->error, "cannot start the program");
    }
}

/* It did not start, and its owner is told that alone: its end is ours to deal with. */
static void refuse(struct guest_call *call) {
    struct guest_call copy = *call;
    call->is_over = true;
    close_process(&call->process);
    if (copy.spawned)
        copy.spawned(copy.ctx, NULL, &copy.err);
    else if (copy.done)
        copy.done(copy.ctx, &copy.err);
}

/* Reads what is there of the status; false when that is nothing yet. */
static bool settle(struct guest_call *call) {
    struct spawn_status status;
    ssize_t n = read(call->status, &status, sizeof(status));
    if (n < 0 && errno == EAGAIN)
        return false;
    stop_watching(call);
    if (n != 0) {
        if (n != sizeof(status))
            status = (struct spawn_status){SPAWN_SYSTEM, EPROTO};
        spawn_error(call, &status, &call->err);
        refuse(call);
        return true;
    }
    unlink_call(call);
    struct guest_process process = call->process;
    guest_spawned spawned = call->spawned;
    void *ctx = call->ctx;
    call->process.out = call->process.err = call->process.in = -1;
    call_free(call);
    spawned(ctx, &process, NULL);
    return true;
}

static void on_status(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    settle(poll->data);
}

static void tell(struct guest *g, const struct agent_request *request) {
    if (g->control)
        control_send(g->control, request, NULL, 0, NULL, NULL);
}

/* It started, and its owner was told that it would not. */
static void end_unwanted(struct guest_call *call) {
    stop_watching(call);
    close_process(&call->process);
    tell(call->guest,
         &(struct agent_request){.type = AGENT_SIGNAL, .pid = call->process.pid, .value = SIGKILL});
}

static void on_spawned(void *ctx, struct control_reply *reply) {
    struct guest_call *call = ctx;
    if (!reply)
        return; /* the guest is lost, and fails its calls */
    if (reply->head.type != AGENT_SPAWNED && call->is_over) {
        unlink_call(call);
        call_free(call);
        return;
    }
    if (reply->head.type != AGENT_SPAWNED) {
        error_errno(&call->err, reply->head.error, "cannot start the program");
        if (reply->head.error == EAGAIN)
            call->err.kind = ERR_LIMIT;
        unlink_call(call);
        answer_error(call);
        return;
    }
    guest_take_process(&call->process, reply);
    if (call->is_over) {
        end_unwanted(call);
        return;
    }
    call->watch = memory_need(sizeof(*call->watch));
    if (uv_poll_init(call->guest->rt->loop, call->watch, call->status) < 0)
        abort();
    call->watch->data = call;
    uv_poll_start(call->watch, UV_READABLE, on_status);
}

/* Takes the held descriptors. */
static void send_spawn(struct guest_call *call) {
    int fds[] = {steal_fd(&call->held[0]), steal_fd(&call->held[1])};
    control_send(call->guest->control, &call->request, fds, 2, on_spawned, call);
}

void guest_send_held(struct guest *g) {
    for (struct guest_call *call = g->calls; call && g->control; call = call->next)
        if (call->held[0] >= 0)
            send_spawn(call);
}

static bool ask_to_spawn(struct guest_call *call, const struct guest_spawn *spawn,
                         struct error *err) {
    int ends[2];
    call->request = (struct agent_request){.type = AGENT_SPAWN,
                                           .flags = (spawn->pty ? SPAWN_PTY : 0u) |
                                                    (spawn->want_stdin ? SPAWN_STDIN : 0u),
                                           .cols = spawn->cols,
                                           .rows = spawn->rows};
    if (!is_there(call->guest, err))
        return false;
    cleanup_close int memfd = arguments_memfd(spawn, err);
    if (memfd < 0)
        return false;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_errno(err, errno, "cannot make a pipe");
    call->status = ends[0];
    io_set_nonblocking(call->status, true);
    call->held[0] = steal_fd(&memfd);
    call->held[1] = ends[1];
    if (!call->guest->link)
        send_spawn(call);
    return true;
}

void guest_spawn(struct guest *guest, const struct guest_spawn *spawn, guest_spawned done,
                 void *ctx) {
    struct guest_call *call = call_new(guest, ctx);
    call->spawned = done;
    call->user = memory_need_text(spawn->user ? spawn->user : "");
    call->cwd = memory_need_text(spawn->cwd ? spawn->cwd : "");
    if (!ask_to_spawn(call, spawn, &call->err))
        fail_later(call);
}

/* The end of a process may overtake the news that it started. */
void guest_on_exited(struct guest *g, const struct agent_reply *reply) {
    struct guest_call *call = g->calls;
    while (call && call->process.pid != reply->pid)
        call = call->next;
    if (call && !call->is_over)
        settle(call);
    if (g->state != GUEST_RUNNING && g->state != GUEST_ADOPTING)
        return;
    for (call = g->calls; call; call = call->next)
        if (call->is_over && call->process.pid == reply->pid)
            break;
    if (!call) {
        g->events->process_exited(g->ctx, reply->pid, reply->status);
        return;
    }
    unlink_call(call);
    call_free(call);
    guest_forget(g, reply->pid);
}

static struct guest_call *open_call(const struct guest *g) {
    struct guest_call *call = g->calls;
    while (call && call->is_over)
        call = call->next;
    return call;
}

void guest_refuse_calls(struct guest *g, const struct error *why) {
    struct guest_call *call;
    while ((call = open_call(g))) {
        call->err = *why;
        if (call->held[0] >= 0) {
            fail_later(call);
            continue;
        }
        if (call->process.pid > 0)
            end_unwanted(call);
        refuse(call);
    }
}

/* ---- the rest ---------------------------------------------------------------------------------
 */

static void on_signalled(void *ctx, struct control_reply *reply) {
    struct guest_call *call = ctx;
    if (!reply)
        return;
    unlink_call(call);
    if (call->is_over) {
        call_free(call);
        return;
    }
    if (reply->head.error) {
        error_errno(&call->err, reply->head.error, "cannot send the signal");
        if (reply->head.error == ESRCH)
            call->err.kind = ERR_NOT_FOUND;
        answer_error(call);
        return;
    }
    if (call->done)
        call->done(call->ctx, NULL);
    call_free(call);
}

void guest_signal(struct guest *guest, int32_t pid, int number,
                  void (*done)(void *ctx, const struct error *err), void *ctx) {
    const struct agent_request request = {.type = AGENT_SIGNAL, .pid = pid, .value = number};
    struct guest_call *call = call_new(guest, ctx);
    call->done = done;
    if (is_there(guest, &call->err))
        control_send(guest->control, &request, NULL, 0, on_signalled, call);
    else
        fail_later(call);
}

void guest_close_stdin(struct guest *guest, int32_t pid) {
    tell(guest, &(struct agent_request){.type = AGENT_CLOSE_STDIN, .pid = pid});
}

void guest_forget(struct guest *guest, int32_t pid) {
    tell(guest, &(struct agent_request){.type = AGENT_FORGET, .pid = pid});
}

void guest_set_deadline(struct guest *guest, int64_t boot_seconds) {
    tell(guest, &(struct agent_request){.type = AGENT_DEADLINE, .value = boot_seconds});
}

int guest_helper(struct guest *guest, enum helper_op op, const char *user, const char *const *args,
                 struct error *err) {
    const struct agent_request request = {.type = AGENT_HELPER, .value = op};
    const struct guest_spawn arguments = {.user = user, .args = args};
    int pair[2], fds[2];
    if (!is_there(guest, err))
        return -1;
    cleanup_close int memfd = arguments_memfd(&arguments, err);
    if (memfd < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        error_errno(err, errno, "cannot make a socket");
        return -1;
    }
    io_set_nonblocking(pair[0], true);
    fds[0] = pair[1];
    fds[1] = steal_fd(&memfd);
    control_send(guest->control, &request, fds, 2, NULL, NULL);
    return pair[0];
}
