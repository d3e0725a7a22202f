/* SPDX-License-Identifier: Apache-2.0
 *
 * See relay.h. What comes from the program is hostile: its head is bounded, its framing is checked,
 * and an answer that breaks off breaks the client's connection too, so that nobody takes it for
 * complete. At most one buffer a direction is held.
 *
 * Each request has its own connection to the program, which is told so: many a development server
 * serves one connection at a time, and an idle one of ours would keep everybody else waiting.
 */
#include "backend/envd/relay.h"

#include "backend/envd/relay_head.h"
#include "backend/envd/tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    IN_BYTES = HTTP1_MAX_HEAD,
    OUT_MAX = 2 * HTTP1_MAX_HEAD + (64 << 10),
    OUT_FULL = 64 << 10, /* no more of the body is taken while so much waits */
};

enum relay_state { RELAY_HEAD, RELAY_BODY, RELAY_DONE };

struct relay {
    struct exchange *x;
    uv_loop_t *loop;
    uv_poll_t poll;
    int fd, watched;
    char sandbox_id[32];
    unsigned port;

    struct buf out; /* for the program */
    size_t sent;
    bool chunked_request, body_waits;

    enum relay_state state; /* of the answer */
    char in[IN_BYTES];
    size_t pos, end;
    struct http1_head head;
    struct http1_chunks chunks;
    uint64_t left;
    bool by_length, by_chunks;
    bool client_is_slow;
};

static void pump(struct relay *r);

/* ---- the end ---- */

static void on_poll_closed(uv_handle_t *handle) {
    struct relay *r = handle->data;
    buf_free(&r->out);
    free(r);
}

static void on_closed(void *ctx, bool broken) {
    struct relay *r = ctx;
    (void)broken;
    r->x = NULL;
    uv_close((uv_handle_t *)&r->poll, on_poll_closed);
    close_fd(&r->fd);
}

static void fail(struct relay *r, const char *message) {
    struct relay_target target = {.sandbox_id = r->sandbox_id, .port = r->port};
    if (r->state == RELAY_HEAD)
        relay_reply_failure(r->x, &target, message);
    else if (r->state == RELAY_BODY)
        exchange_abort(r->x);
    r->state = RELAY_DONE;
}

/* ---- to the program ---- */

static bool flush(struct relay *r) {
    while (r->sent < r->out.len) {
        ssize_t n =
            send(r->fd, r->out.data + r->sent, r->out.len - r->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        r->sent += (size_t)n;
    }
    r->out.len = r->sent = 0;
    return true;
}

/* A program may answer and close without having read all: then its answer still counts. */
static void flush_or_forget(struct relay *r) {
    if (!flush(r))
        r->out.len = r->sent = 0;
}

static size_t on_body(void *ctx, const void *bytes, size_t len) {
    struct relay *r = ctx;
    size_t taken = MIN(len, (size_t)OUT_FULL);
    r->body_waits = r->out.len - r->sent >= OUT_FULL;
    if (r->state == RELAY_DONE)
        return len;
    if (r->body_waits)
        return 0;
    buf_consume(&r->out, r->sent);
    r->sent = 0;
    bool ok = !r->chunked_request || buf_printf(&r->out, "%zx\r\n", taken);
    ok = ok && buf_add(&r->out, bytes, taken);
    if (!ok || (r->chunked_request && !buf_puts(&r->out, "\r\n")))
        fail(r, "The request could not be passed on");
    r->body_waits = taken < len;
    pump(r);
    return taken;
}

static void on_body_end(void *ctx) {
    struct relay *r = ctx;
    if (r->chunked_request && r->state != RELAY_DONE && !buf_puts(&r->out, "0\r\n\r\n"))
        fail(r, "The request could not be passed on");
    pump(r);
}

/* ---- from the program ---- */

/* Leaves HTTP: both sockets go to a tunnel, with what each side has said already. */
static void switch_protocols(struct relay *r) {
    char *rest = NULL;
    size_t rest_len = 0;
    struct tunnel_end client = {.fd = -1, .first = BUF_INIT(4 * IN_BYTES)};
    struct tunnel_end program = {.fd = -1, .first = BUF_INIT(4 * IN_BYTES)};
    bool ok = relay_switch_head(&r->head, &client.first) &&
              buf_add(&client.first, r->in + r->pos, r->end - r->pos);
    if (ok)
        client.fd = exchange_take_over(r->x, &rest, &rest_len);
    ok = client.fd >= 0 && buf_add(&program.first, rest, rest_len);
    free(rest);
    r->state = RELAY_DONE;
    /* A duplicate, because libuv forgets a descriptor's new watcher when the old one is closed. */
    if (ok)
        program.fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 3);
    if (program.fd >= 0) {
        tunnel_start(r->loop, &client, &program);
        return;
    }
    if (client.fd < 0)
        exchange_abort(r->x);
    close_fd(&client.fd);
    buf_free(&client.first);
    buf_free(&program.first);
}

static void begin_answer(struct relay *r) {
    cleanup_buf struct buf headers = BUF_INIT(2 * HTTP1_MAX_HEAD);
    const struct http1_head *asked = exchange_head(r->x);
    bool bodiless =
        r->head.status == 204 || r->head.status == 304 || slice_is(asked->method, "HEAD");
    if (!relay_response_headers(&r->head, &headers)) {
        fail(r, "The program's answer could not be passed on");
        return;
    }
    r->by_chunks = r->head.chunked;
    r->by_length = r->head.has_length;
    r->left = r->head.length;
    r->state = RELAY_BODY;
    exchange_begin_relayed(r->x, &r->head, &headers);
    if (bodiless || (r->by_length && !r->left)) {
        r->state = RELAY_DONE;
        exchange_end(r->x);
    }
}

/* False when more must come first. */
static bool take_head(struct relay *r) {
    size_t used = 0;
    enum http1_result result =
        http1_parse_response(r->in + r->pos, r->end - r->pos, &r->head, &used);
    if (result == HTTP1_MORE)
        return false;
    r->pos += used;
    if (result != HTTP1_OK)
        fail(r, "The program on the port does not answer in HTTP/1.1");
    else if (r->head.status == 101 && exchange_head(r->x)->upgrade)
        switch_protocols(r);
    else if (r->head.status == 101)
        fail(r, "The program on the port changed the protocol without being asked");
    else if (r->head.status >= 200)
        begin_answer(r);
    return true;
}

static bool take_body(struct relay *r) {
    struct slice piece = {r->in + r->pos, r->end - r->pos};
    size_t used = piece.len;
    bool over = false;
    if (r->by_chunks) {
        enum http1_result result =
            http1_chunks_next(&r->chunks, piece.at, piece.len, &used, &piece);
        over = result == HTTP1_OK;
        if (result == HTTP1_BAD) {
            fail(r, "");
            return true;
        }
    } else if (r->by_length) {
        used = piece.len = (size_t)MIN((uint64_t)piece.len, r->left);
        r->left -= used;
        over = !r->left;
    }
    r->pos += used;
    r->client_is_slow = piece.len && !exchange_write(r->x, piece.at, piece.len);
    if (over) {
        r->state = RELAY_DONE;
        exchange_end(r->x);
    }
    return used > 0;
}

static void take(struct relay *r) {
    while (r->state != RELAY_DONE && !r->client_is_slow && r->pos < r->end)
        if (!(r->state == RELAY_HEAD ? take_head(r) : take_body(r)))
            return;
}

static void on_end_of_answer(struct relay *r) {
    if (r->state == RELAY_BODY && !r->by_chunks && !r->by_length) {
        r->state = RELAY_DONE;
        exchange_end(r->x);
    } else {
        fail(r, "The program on the port closed the connection without an answer");
    }
}

static void receive(struct relay *r) {
    if (r->pos == r->end)
        r->pos = r->end = 0;
    if (r->pos) {
        memmove(r->in, r->in + r->pos, r->end - r->pos);
        r->end -= r->pos;
        r->pos = 0;
    }
    ssize_t n = recv(r->fd, r->in + r->end, sizeof(r->in) - r->end, MSG_DONTWAIT);
    if (n > 0)
        r->end += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        on_end_of_answer(r);
}

/* ---- waiting ---- */

static void on_drained(void *ctx) {
    struct relay *r = ctx;
    r->client_is_slow = false;
    pump(r);
}

static void on_poll(uv_poll_t *handle, int status, int events) {
    struct relay *r = handle->data;
    if (status < 0)
        r->watched = 0; /* libuv gave up on it */
    if (status < 0 || (events & UV_READABLE))
        receive(r);
    pump(r);
}

/* Moves what can be moved, then waits for what is missing. */
static void pump(struct relay *r) {
    if (!r->x)
        return;
    flush_or_forget(r);
    take(r);
    if (r->body_waits && r->out.len - r->sent < OUT_FULL) {
        r->body_waits = false;
        exchange_read_more(r->x);
    }
    int events = r->sent < r->out.len ? UV_WRITABLE : 0;
    if (!r->client_is_slow)
        events |= UV_READABLE;
    if (r->state == RELAY_DONE || !events)
        events = 0;
    if (events == r->watched)
        return;
    r->watched = events;
    if (!events)
        uv_poll_stop(&r->poll);
    else if (uv_poll_start(&r->poll, events, on_poll) < 0)
        fail(r, "The port could not be watched");
}

void relay_start(uv_loop_t *loop, struct exchange *x, int fd, const struct relay_target *target) {
    static const struct exchange_events events = {
        .body = on_body, .body_end = on_body_end, .drained = on_drained, .closed = on_closed};
    const struct http1_head *head = exchange_head(x);
    struct relay *r = calloc(1, sizeof(*r));
    if (!r || uv_poll_init(loop, &r->poll, fd) < 0) {
        free(r);
        close(fd);
        relay_reply_failure(x, target, "The request could not be passed on");
        return;
    }
    r->x = x;
    r->loop = loop;
    r->fd = fd;
    r->poll.data = r;
    r->port = target->port;
    r->out = (struct buf)BUF_INIT(OUT_MAX);
    r->chunked_request = head->chunked;
    snprintf(r->sandbox_id, sizeof(r->sandbox_id), "%s", target->sandbox_id);
    exchange_set_events(x, &events, r);
    if (!relay_request_head(head, target->host, &r->out))
        fail(r, "The request could not be passed on");
    pump(r);
}
