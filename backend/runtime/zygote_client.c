/* SPDX-License-Identifier: Apache-2.0
 *
 * See zygote_client.h.
 */
#include "backend/runtime/zygote_client.h"
#include "backend/runtime/arguments_memfd.h"
#include "common/io.h"

#include <errno.h>
#include <string.h>

struct zygote_call {
    uint32_t id;
    zygote_done done;
    void *ctx;
    struct zygote_call *next;
};

static void finish(struct zygote_call *call, int error, pid_t pid, int pidfd) {
    if (call->done)
        call->done(call->ctx, error, pid, pidfd);
    else if (pidfd >= 0)
        close(pidfd);
    free(call);
}

static struct zygote_call *take_call(struct zygote_client *z, uint32_t id) {
    for (struct zygote_call **at = &z->calls; *at; at = &(*at)->next) {
        struct zygote_call *call = *at;
        if (call->id != id)
            continue;
        *at = call->next;
        return call;
    }
    return NULL;
}

static void lose(struct zygote_client *z) {
    z->lost = true;
    uv_poll_stop(z->poll);
    while (z->calls) {
        struct zygote_call *call = z->calls;
        z->calls = call->next;
        finish(call, ECONNRESET, -1, -1);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    struct zygote_client *z = poll->data;
    struct zygote_reply reply;
    int pidfd = -1;
    size_t count = 1;
    (void)events;
    ssize_t n = status < 0 ? 0 : io_recv_fds(z->socket, &reply, sizeof(reply), &pidfd, &count, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (!count)
        pidfd = -1;
    struct zygote_call *call = NULL;
    if (n == sizeof(reply) && reply.version == AGENT_PROTOCOL)
        call = take_call(z, reply.id);
    if (call) {
        finish(call, reply.error, reply.pid, pidfd);
        return;
    }
    close_fd(&pidfd);
    lose(z);
}

static void on_closed(uv_handle_t *handle) {
    free(handle);
}

bool zygote_client_start(struct zygote_client *z, uv_loop_t *loop, int socket, struct error *err) {
    *z = (struct zygote_client){.socket = socket};
    z->poll = malloc(sizeof(*z->poll));
    int error = z->poll ? uv_poll_init(loop, z->poll, socket) : UV_ENOMEM;
    if (error) {
        free(steal_ptr(&z->poll));
        return error_errno(err, -error, "cannot watch the zygote");
    }
    z->poll->data = z;
    uv_poll_start(z->poll, UV_READABLE, on_readable);
    return true;
}

void zygote_client_stop(struct zygote_client *z) {
    if (!z->poll)
        return;
    lose(z);
    uv_close((uv_handle_t *)steal_ptr(&z->poll), on_closed);
}

static size_t request_size(const union zygote_request *request) {
    return request->any.type == ZYGOTE_CREATE ? sizeof(request->create) : sizeof(request->helper);
}

bool zygote_client_send(struct zygote_client *z, union zygote_request *request, const int *fds,
                        size_t fd_count, zygote_done done, void *ctx, struct error *err) {
    if (z->lost)
        return error_set(err, ERR_UNAVAILABLE, "the zygote has ended");
    struct zygote_call *call = malloc(sizeof(*call));
    if (!call)
        return error_errno(err, ENOMEM, "cannot ask the zygote");
    *call = (struct zygote_call){.id = ++z->last_id, .done = done, .ctx = ctx, .next = z->calls};
    request->any.version = AGENT_PROTOCOL;
    request->any.id = call->id;
    if (io_send_fds(z->socket, request, request_size(request), fds, fd_count, MSG_DONTWAIT) < 0) {
        free(call);
        return error_errno(err, errno, "cannot ask the zygote");
    }
    z->calls = call;
    return true;
}

int zygote_client_helper(struct zygote_client *z, enum helper_op op, const char *const *args,
                         const int *objects, size_t object_count, struct error *err) {
    union zygote_request request = {.helper = {.type = ZYGOTE_HELPER, .op = op}};
    const struct guest_spawn none = {.args = args};
    int pair[2], fds[8];
    if (object_count > ARRAY_LEN(fds) - 2) {
        error_set(err, ERR_INTERNAL, "too many objects for a helper");
        return -1;
    }
    cleanup_close int memfd = arguments_memfd(&none, err);
    if (memfd < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
        error_errno(err, errno, "cannot make a socket");
        return -1;
    }
    cleanup_close int ours = pair[0];
    cleanup_close int theirs = pair[1];
    io_set_nonblocking(theirs, false);
    fds[0] = theirs;
    fds[1] = memfd;
    memcpy(fds + 2, objects, object_count * sizeof(int));
    if (!zygote_client_send(z, &request, fds, object_count + 2, NULL, NULL, err))
        return -1;
    return steal_fd(&ours);
}
