/* SPDX-License-Identifier: Apache-2.0
 *
 * See ports.h. A helper inside the sandbox connects to the port on the sandbox's own loopback and
 * passes the socket out, so programs that listen on 127.0.0.1 or ::1 only are reached too. Until
 * that came only the exchange is held, and the sandbox may end meanwhile.
 */
#include "backend/envd/ports.h"

#include "backend/envd/relay.h"
#include "common/io.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DIAL_MS = 15000 };

struct dial {
    struct exchange *x;
    uv_loop_t *loop;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned open_handles;
    int helper;
    char id[ID_SANDBOX];
    unsigned port;
    char host[NETWORK_MAX_HOST + 16]; /* "": the request's own */
};

void ports_reply_no_sandbox(struct exchange *x, const char *id) {
    const struct relay_target target = {.sandbox_id = id};
    relay_reply_failure(x, &target, "The sandbox was not found");
}

static void on_handle_closed(uv_handle_t *handle) {
    struct dial *dial = handle->data;
    if (--dial->open_handles == 0)
        free(dial);
}

/* Closing our end ends the helper too. */
static void forget(struct dial *dial) {
    uv_close((uv_handle_t *)&dial->poll, on_handle_closed);
    uv_close((uv_handle_t *)&dial->timer, on_handle_closed);
    close_fd(&dial->helper);
}

static void on_client_left(void *ctx, bool broken) {
    (void)broken;
    forget(ctx);
}

/* The exchange goes on without us. */
static void answer(struct dial *dial, int fd, const char *failure) {
    static const struct exchange_events none = {0};
    const struct relay_target target = {
        .sandbox_id = dial->id, .port = dial->port, .host = *dial->host ? dial->host : NULL};
    exchange_set_events(dial->x, &none, NULL);
    if (fd >= 0)
        relay_start(dial->loop, dial->x, fd, &target);
    else
        relay_reply_failure(dial->x, &target, failure);
    forget(dial);
}

static void on_timer(uv_timer_t *timer) {
    answer(timer->data, -1, "The sandbox is running but does not answer");
}

static void on_helper(uv_poll_t *poll, int status, int events) {
    static const char closed[] = "The sandbox is running but port is not open";
    struct dial *dial = poll->data;
    struct helper_reply reply;
    int fd = -1;
    size_t fd_count = 1;
    (void)events;
    ssize_t n =
        status < 0 ? 0
                   : io_recv_fds(dial->helper, &reply, sizeof(reply), &fd, &fd_count, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n == (ssize_t)sizeof(reply) && reply.error == 0 && fd_count == 1 &&
        io_set_nonblocking(fd, true)) {
        answer(dial, fd, NULL);
        return;
    }
    if (n > 0 && fd_count)
        close_fd(&fd);
    answer(dial, -1,
           n == (ssize_t)sizeof(reply) ? closed : "The sandbox is running but does not answer");
}

static void wait_for_helper(struct dial *dial) {
    static const struct exchange_events events = {.closed = on_client_left};
    uv_timer_init(dial->loop, &dial->timer);
    dial->poll.data = dial->timer.data = dial;
    dial->open_handles = 2;
    exchange_set_events(dial->x, &events, dial);
    uv_timer_start(&dial->timer, on_timer, DIAL_MS, 0);
    uv_poll_start(&dial->poll, UV_READABLE, on_helper);
}

/* The host name its programs are to see, with "${PORT}" filled in. */
static void mask_host(struct dial *dial, const char *mask) {
    static const char placeholder[] = "${PORT}";
    const char *at = strstr(mask, placeholder);
    if (at)
        snprintf(dial->host, sizeof(dial->host), "%.*s%u%s", (int)(at - mask), mask, dial->port,
                 at + sizeof(placeholder) - 1);
    else
        snprintf(dial->host, sizeof(dial->host), "%s", mask);
}

/* Private ports want the token that the creation answered with. */
static bool may_enter(const struct sandbox *sandbox, struct exchange *x) {
    if (!*sandbox->traffic_token)
        return true;
    const char *token = exchange_header(x, "e2b-traffic-access-token");
    if (token && ids_equal_secret(token, sandbox->traffic_token))
        return true;
    exchange_reply_json(x, 403,
                        json_pack("{s:s, s:s, s:i}", "sandboxId", sandbox->id, "message",
                                  token ? "The e2b-traffic-access-token header is invalid"
                                        : "The e2b-traffic-access-token header is missing",
                                  "code", 403));
    return false;
}

void ports_serve(struct sandbox *sandbox, unsigned port, struct exchange *x) {
    char text[16];
    const char *args[] = {text, NULL};
    struct error err = ERROR_INIT;
    const struct relay_target target = {.sandbox_id = sandbox->id, .port = port};
    if (!may_enter(sandbox, x))
        return;
    snprintf(text, sizeof(text), "%u", port);
    int helper = guest_helper(sandbox->guest, HELPER_CONNECT, "root", args, &err);
    struct dial *dial = helper >= 0 ? calloc(1, sizeof(*dial)) : NULL;
    if (!dial || uv_poll_init(core_loop(sandbox->core), &dial->poll, helper) < 0) {
        close_fd(&helper);
        free(dial);
        log_warn("a port was not reached", "sandbox", sandbox->id, "error", err.message);
        relay_reply_failure(x, &target, "The sandbox is running but does not answer");
        return;
    }
    dial->x = x;
    dial->loop = core_loop(sandbox->core);
    dial->helper = helper;
    dial->port = port;
    mask_host(dial, sandbox->network.mask_host);
    snprintf(dial->id, sizeof(dial->id), "%s", sandbox->id);
    wait_for_helper(dial);
}
