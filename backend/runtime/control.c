/* SPDX-License-Identifier: Apache-2.0
 *
 * See control.h. Whatever the agent says that does not fit loses the connection; the owner then
 * kills the sandbox, because its agent is no longer ours.
 */
#include "backend/runtime/control.h"
#include "common/io.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

enum { MESSAGES_A_TURN = 64 };

struct call {
    struct agent_request request;
    int fds[2];
    size_t fd_count;
    control_done done;
    void *ctx;
    struct call *next;
};

struct calls {
    struct call *first, **last;
};

struct control {
    uv_poll_t poll;
    int socket;
    uint32_t last_id;
    bool greeted, stopped;
    struct calls unsent, open;
    const struct control_events *events;
    void *ctx;
};

static void calls_init(struct calls *list) {
    list->first = NULL;
    list->last = &list->first;
}

static void calls_add(struct calls *list, struct call *call) {
    call->next = NULL;
    *list->last = call;
    list->last = &call->next;
}

static void calls_remove(struct calls *list, struct call **at) {
    struct call *call = *at;
    *at = call->next;
    if (list->last == &call->next)
        list->last = at;
}

static void call_free(struct call *call) {
    for (size_t i = 0; i < call->fd_count; i++)
        close(call->fds[i]);
    free(call);
}

static void calls_free(struct calls *list) {
    while (list->first) {
        struct call *call = list->first;
        calls_remove(list, &list->first);
        call_free(call);
    }
}

static void on_event(uv_poll_t *poll, int status, int events);

static void watch(struct control *c) {
    uv_poll_start(&c->poll, UV_READABLE | (c->unsent.first ? UV_WRITABLE : 0), on_event);
}

/* Broken connections are met by reading: here they only stay unsent. */
static void flush(struct control *c) {
    while (c->unsent.first) {
        struct call *call = c->unsent.first;
        if (io_send_fds(c->socket, &call->request, sizeof(call->request), call->fds, call->fd_count,
                        MSG_DONTWAIT) < 0)
            break;
        calls_remove(&c->unsent, &c->unsent.first);
        for (size_t i = 0; i < call->fd_count; i++)
            close(call->fds[i]);
        call->fd_count = 0;
        if (call->done)
            calls_add(&c->open, call);
        else
            free(call);
    }
}

static void lose(struct control *c, const char *reason) {
    struct calls rest = c->open;
    uv_poll_stop(&c->poll);
    close_fd(&c->socket);
    if (!rest.first)
        calls_init(&rest);
    calls_init(&c->open);
    *rest.last = c->unsent.first;
    calls_init(&c->unsent);
    while (rest.first && !c->stopped) {
        struct call *call = rest.first;
        rest.first = call->next;
        if (call->done)
            call->done(call->ctx, NULL);
        call_free(call);
    }
    while (rest.first) {
        struct call *call = rest.first;
        rest.first = call->next;
        call_free(call);
    }
    if (!c->stopped)
        c->events->lost(c->ctx, reason);
}

/* ---- replies ----------------------------------------------------------------------------------
 */

static bool answer(struct control *c, struct control_reply *reply) {
    struct call **at = &c->open.first;
    while (*at && (*at)->request.id != reply->head.id)
        at = &(*at)->next;
    struct call *call = *at;
    if (!call)
        return reply->head.type == AGENT_DONE && reply->head.id <= c->last_id;
    const uint32_t type = reply->head.type;
    if (type == AGENT_PROCESS) {
        if (call->request.type != AGENT_ADOPT)
            return false;
        call->done(call->ctx, reply);
        return true;
    }
    if (type == AGENT_SPAWNED && call->request.type != AGENT_SPAWN)
        return false;
    calls_remove(&c->open, at);
    call->done(call->ctx, reply);
    call_free(call);
    return true;
}

static size_t fds_wanted(const struct agent_reply *head) {
    if (head->type != AGENT_SPAWNED && head->type != AGENT_PROCESS)
        return 0;
    size_t streams = head->flags & PROCESS_PTY ? 1 : head->flags & PROCESS_STDIN ? 3 : 2;
    return streams + (head->type == AGENT_PROCESS);
}

/* False: it is not what an agent says. */
static bool dispatch(struct control *c, struct control_reply *reply) {
    if (reply->head.version != AGENT_PROTOCOL || reply->fd_count != fds_wanted(&reply->head) ||
        !memchr(reply->head.text, '\0', sizeof(reply->head.text)))
        return false;
    if (c->greeted == (reply->head.type == AGENT_HELLO || reply->head.type == AGENT_FAILED))
        return false;
    switch (reply->head.type) {
    case AGENT_HELLO:
        c->greeted = true;
        c->events->hello(c->ctx);
        return true;
    case AGENT_FAILED:
        c->events->failed(c->ctx, &reply->head);
        return true;
    case AGENT_EXITED:
        c->events->exited(c->ctx, &reply->head);
        return reply->head.pid > 0;
    case AGENT_SPAWNED:
    case AGENT_PROCESS:
        return reply->head.pid > 0 && answer(c, reply);
    case AGENT_DONE:
        return answer(c, reply);
    default:
        return false;
    }
}

/* False when there is nothing more to read for now. */
static bool receive(struct control *c) {
    struct control_reply reply = {.fd_count = CONTROL_MAX_FDS};
    ssize_t n = io_recv_fds(c->socket, &reply.head, sizeof(reply.head), reply.fds, &reply.fd_count,
                            MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return false;
    bool fits = n == sizeof(reply.head) && dispatch(c, &reply);
    for (size_t i = 0; i < reply.fd_count; i++)
        close_fd(&reply.fds[i]);
    if (!fits && !c->stopped)
        lose(c, n == 0 || (n < 0 && errno == ECONNRESET) ? "its first process ended"
                                                         : "its agent broke the protocol");
    return fits;
}

static void on_event(uv_poll_t *poll, int status, int events) {
    struct control *c = container_of(poll, struct control, poll);
    if (status < 0) {
        lose(c, "its control connection failed");
        return;
    }
    if (events & UV_WRITABLE)
        flush(c);
    for (int i = 0; i < MESSAGES_A_TURN && !c->stopped && c->socket >= 0; i++)
        if (!receive(c))
            break;
    if (!c->stopped && c->socket >= 0)
        watch(c);
}

/* ---- life -------------------------------------------------------------------------------------
 */

struct control *control_start(uv_loop_t *loop, int socket, const struct control_events *events,
                              void *ctx, struct error *err) {
    struct control *c = calloc(1, sizeof(*c));
    int error = c ? uv_poll_init(loop, &c->poll, socket) : UV_ENOMEM;
    if (error) {
        free(c);
        close(socket);
        error_errno(err, -error, "cannot watch an agent");
        return NULL;
    }
    c->socket = socket;
    c->events = events;
    c->ctx = ctx;
    calls_init(&c->unsent);
    calls_init(&c->open);
    watch(c);
    return c;
}

static void on_closed(uv_handle_t *handle) {
    free(container_of((uv_poll_t *)handle, struct control, poll));
}

void control_stop(struct control *c) {
    c->stopped = true;
    calls_free(&c->unsent);
    calls_free(&c->open);
    uv_close((uv_handle_t *)&c->poll, on_closed);
    close_fd(&c->socket);
}

void control_send(struct control *c, const struct agent_request *request, int *fds, size_t fd_count,
                  control_done done, void *ctx) {
    struct call *call = memory_need(sizeof(*call));
    call->request = *request;
    call->request.version = AGENT_PROTOCOL;
    call->request.id = ++c->last_id;
    call->done = done;
    call->ctx = ctx;
    call->fd_count = fd_count;
    for (size_t i = 0; i < fd_count; i++)
        call->fds[i] = steal_fd(&fds[i]);
    calls_add(&c->unsent, call);
    if (c->socket < 0)
        return; /* lost, and the owner is about to stop us */
    flush(c);
    watch(c);
}
