/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection: reads requests, has them served one after the other, sends what they answer, and
 * notices when the peer leaves. connection_run takes steps until nothing moves and then tells the
 * poll what to wait for.
 *
 * While a handler is at work and no body is wanted nothing is read (a pipelining client waits in
 * the kernel's buffers), so the peer's end is learned from EPOLLRDHUP. On a Unix socket a full
 * close differs from shutdown(SHUT_WR) by EPOLLHUP. TCP shows the same FIN for both: there the
 * answer is still given, unless an endless stream is under way, which its reader has surely left.
 */
#include "backend/http/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* ---- reading ---- */

static bool wants_read(const struct connection *c) {
    if (c->eof)
        return false;
    if (c->lingering)
        return true;
    if (!c->active)
        return !c->closing && c->end - c->pos < HTTP_IN_BYTES;
    return exchange_wants_body(&c->x) && !c->body.piece.len && c->body.kind != BODY_OVER;
}

/* Makes room behind what was read without moving what is still pointed to. */
static bool make_room(struct connection *c) {
    if (!c->in && !(c->in = malloc(HTTP_IN_BYTES))) {
        c->broken = true;
        return false;
    }
    if (c->body.piece.len)
        return c->end < HTTP_IN_BYTES;
    if (c->pos == c->end)
        c->pos = c->end = c->floor;
    if (c->end == HTTP_IN_BYTES && c->pos > c->floor) {
        memmove(c->in + c->floor, c->in + c->pos, c->end - c->pos);
        c->end -= c->pos - c->floor;
        c->pos = c->floor;
    }
    return c->end < HTTP_IN_BYTES;
}

static void linger(struct connection *c) {
    char sink[16 << 10];
    ssize_t n = recv(c->fd, sink, sizeof(sink), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        c->broken = true;
}

void connection_set_deadline(struct connection *c, int64_t ms) {
    c->deadline_ms = (int64_t)uv_now(c->server->loop) + ms;
}

static void read_some(struct connection *c) {
    if (c->lingering) {
        linger(c);
        return;
    }
    if (!make_room(c))
        return;
    ssize_t n = recv(c->fd, c->in + c->end, HTTP_IN_BYTES - c->end, MSG_DONTWAIT);
    if (n > 0) {
        if (c->active)
            connection_set_deadline(c, c->server->patience.body_ms);
        else if (c->pos == c->end)
            connection_set_deadline(c, c->server->patience.head_ms);
        c->end += (size_t)n;
    } else if (n == 0) {
        c->eof = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        c->broken = true;
    }
}

static void notice_hang_up(struct connection *c) {
    struct pollfd now = {.fd = c->fd, .events = POLLRDHUP};
    poll(&now, 1, 0);
    bool endless = c->active && c->x.begun && !c->x.ended && (c->x.chunked || c->x.until_close);
    if (now.revents & (POLLHUP | POLLERR))
        c->broken = true;
    else if (now.revents & POLLRDHUP) {
        c->half_closed = true;
        c->broken = c->is_tcp && endless;
    }
}

/* ---- requests ---- */

static void begin(struct connection *c) {
    exchange_open(&c->x, c);
    c->active = true;
    c->server->exchange_count++;
}

static void refuse(struct connection *c, int status, const char *message) {
    c->x.head.header_count = 0;
    c->x.head.minor = 1;
    c->x.head.method = (struct slice){"", 0};
    begin(c);
    exchange_refuse(&c->x, status, message);
}

static const char *check_request(struct exchange *x) {
    unsigned hosts = 0;
    for (size_t i = 0; i < x->head.header_count; i++)
        hosts += slice_is_nocase(x->head.headers[i].name, "host");
    if (hosts > 1 || (!hosts && x->head.minor > 0)) /* RFC 9112 3.2 */
        return "exactly one Host header is needed";
    if (x->head.target.len > HTTP_MAX_TARGET)
        return "the request target is longer than 16 KiB";
    return exchange_split_target(x) ? NULL : "the request target is malformed";
}

static bool start_request(struct connection *c, size_t head_len) {
    struct http1_head *head = &c->x.head;
    c->pos += head_len;
    c->floor = c->pos;
    body_start(&c->body, head);
    begin(c);
    c->x.keep_alive = head->keep_alive && !c->server->stopping;
    c->x.is_head = slice_is(head->method, "HEAD");
    const char *problem = check_request(&c->x);
    if (!problem) {
        c->server->handler(c->server->ctx, &c->x);
        return true;
    }
    c->x.keep_alive = false;
    exchange_refuse(&c->x, head->target.len > HTTP_MAX_TARGET ? 414 : 400, problem);
    return true;
}

/* Drops what the last handler left unread; false while more of it must come. */
static bool skip_body(struct connection *c) {
    c->body.piece.len = 0;
    while (c->body.kind != BODY_OVER) {
        size_t used = body_next(&c->body, c->in + c->pos, c->end - c->pos);
        c->body.piece.len = 0;
        c->pos += used;
        c->skipped += used;
        if (c->body.bad || c->skipped > HTTP_MAX_SKIP)
            c->closing = true;
        if (c->closing || !used)
            return false;
    }
    c->skipped = 0;
    return true;
}

static bool next_request(struct connection *c) {
    if (c->closing || output_pending(&c->out) > HTTP_OUT_LOW || c->out.file >= 0)
        return false;
    if (!skip_body(c)) {
        c->closing |= c->eof;
        return false;
    }
    while (c->pos < c->end && (c->in[c->pos] == '\r' || c->in[c->pos] == '\n'))
        c->pos++; /* RFC 9112 2.2: an empty line before the request */
    size_t used = 0;
    enum http1_result result = HTTP1_MORE;
    if (c->pos < c->end)
        result = http1_parse_request(c->in + c->pos, c->end - c->pos, &c->x.head, &used);
    if (result == HTTP1_OK)
        return start_request(c, used);
    if (result == HTTP1_BAD)
        refuse(c, 400, "the request is malformed");
    else if (result == HTTP1_TOO_LARGE)
        refuse(c, 431, "the request head is larger than 64 KiB or 128 headers");
    else if (c->eof)
        c->closing = true;
    return result == HTTP1_BAD || result == HTTP1_TOO_LARGE;
}

static void finish(struct connection *c) {
    c->active = false;
    c->server->exchange_count--;
    c->server->quiet_since_ms = (int64_t)uv_now(c->server->loop);
    if (!c->x.keep_alive && !c->taken)
        c->closing = true;
    exchange_close(&c->x, c->broken || c->x.aborted);
    c->floor = 0;
    connection_set_deadline(c, c->pos < c->end ? c->server->patience.head_ms
                                               : c->server->patience.idle_ms);
}

/* ---- steps ---- */

static bool read_body(struct connection *c) {
    if (c->body.kind != BODY_OVER && !c->body.piece.len && exchange_wants_body(&c->x)) {
        c->pos += body_next(&c->body, c->in + c->pos, c->end - c->pos);
        if (c->body.bad && !c->x.begun) {
            c->x.keep_alive = false;
            exchange_refuse(&c->x, 400, "the chunked body is malformed");
            return true;
        }
        bool cut_off = c->eof && c->pos == c->end && !c->body.piece.len;
        if (c->body.bad || (cut_off && c->body.kind != BODY_OVER)) {
            c->broken = true;
            return false;
        }
    }
    return exchange_feed(&c->x);
}

static bool flush_some(struct connection *c) {
    if (c->blocked)
        return false;
    switch (output_flush(&c->out, c->fd)) {
    case OUTPUT_PROGRESS:
        return true;
    case OUTPUT_BLOCKED:
        c->blocked = true;
        return false;
    case OUTPUT_FAILED:
        c->broken = true;
        return false;
    case OUTPUT_EMPTY:
        break;
    }
    return false;
}

static bool tell_drained(struct connection *c) {
    struct exchange *x = &c->x;
    if (!x->stopped || x->ended || output_pending(&c->out) > HTTP_OUT_LOW)
        return false;
    x->stopped = false;
    if (x->events.drained)
        x->events.drained(x->ctx);
    return true;
}

/* Does one thing; false when there is nothing to do before the next event. */
static bool step(struct connection *c) {
    if (c->lingering)
        return false;
    if (!c->active)
        return next_request(c) || flush_some(c);
    bool sent = output_pending(&c->out) <= HTTP_OUT_HIGH && c->out.file < 0;
    if (c->taken || (c->x.ended && sent)) {
        finish(c);
        return true;
    }
    if (!c->x.ended && (read_body(c) || tell_drained(c)))
        return true;
    return !c->broken && flush_some(c);
}

/* ---- waiting and ending ---- */

static int wanted_events(const struct connection *c) {
    int events = c->blocked && !output_idle(&c->out) ? UV_WRITABLE : 0;
    if (wants_read(c))
        return events | UV_READABLE;
    /* Something must be waited for, or an error of the socket would not be told. */
    return events | (c->half_closed || c->eof ? UV_PRIORITIZED : UV_DISCONNECT);
}

static void on_poll(uv_poll_t *handle, int status, int events) {
    struct connection *c = handle->data;
    if (status < 0) {
        c->broken = true;
    } else {
        if (events & UV_WRITABLE) {
            c->blocked = false;
            if (!c->lingering)
                connection_set_deadline(c, c->server->patience.idle_ms);
        }
        if (events & UV_READABLE)
            read_some(c);
        else if (events & (UV_DISCONNECT | UV_PRIORITIZED) || !events)
            notice_hang_up(c);
    }
    connection_run(c);
}

static void watch(struct connection *c) {
    int events = wanted_events(c);
    if (events == c->watched)
        return;
    c->watched = events;
    if (uv_poll_start(&c->poll, events, on_poll) < 0)
        c->broken = true;
}

static void on_closed(uv_handle_t *handle) {
    struct connection *c = handle->data;
    struct http_server *server = c->server;
    free(c->in);
    free(c);
    server_handle_closed(server);
}

static void destroy(struct connection *c) {
    if (c->active)
        finish(c);
    uv_close((uv_handle_t *)&c->poll, on_closed);
    close(c->fd);
    output_free(&c->out);
    server_forget_connection(c);
}

/* A close with unread input would reset the connection and take our last answer with it. */
static void start_lingering(struct connection *c) {
    c->lingering = true;
    connection_set_deadline(c, c->server->patience.linger_ms);
    if (c->eof || shutdown(c->fd, SHUT_WR) < 0)
        c->broken = true;
}

void connection_run(struct connection *c) {
    if (c->busy)
        return;
    c->busy = true;
    while (!c->broken && step(c))
        ;
    if (c->closing && !c->active && !c->lingering && !c->taken && output_idle(&c->out))
        start_lingering(c);
    c->busy = false;
    if (!c->broken && !(c->taken && !c->active))
        watch(c);
    if (c->broken || (c->taken && !c->active))
        destroy(c);
}

void connection_wake(struct connection *c) {
    if (c->busy || c->is_ready)
        return;
    c->is_ready = true;
    c->next_ready = NULL;
    *c->server->ready_tail = c;
    c->server->ready_tail = &c->next_ready;
}

void connection_flush(struct connection *c) {
    if (c->busy)
        return; /* it will, once for all that comes together */
    while (!c->broken && flush_some(c))
        ;
    connection_wake(c);
}

/* ---- from the server ---- */

void connection_check_deadline(struct connection *c, int64_t now_ms) {
    if (now_ms < c->deadline_ms || (c->active && !c->x.ended && !c->x.collect.done))
        return;
    if (c->active && c->x.collect.done && !c->x.ended)
        exchange_refuse(&c->x, 408, "the request body did not arrive in time");
    else if (!c->active && !c->closing && c->pos < c->end)
        refuse(c, 408, "the request head did not arrive in time");
    else
        c->broken = true;
    connection_wake(c);
}

void connection_shut_down(struct connection *c, bool at_once) {
    if (at_once)
        c->broken = true;
    c->closing |= !c->active;
    c->x.keep_alive = false;
    connection_wake(c);
}

bool connection_accept(struct http_server *server, int fd, const struct http_listener *listener,
                       bool is_tcp) {
    struct connection *c = calloc(1, sizeof(*c));
    if (!c || uv_poll_init(server->loop, &c->poll, fd) < 0) {
        free(c);
        close(fd);
        return false;
    }
    c->server = server;
    c->fd = fd;
    c->trusted = listener->trusted;
    c->is_tcp = is_tcp;
    c->poll.data = c;
    c->out = (struct output){.buf = BUF_INIT(HTTP_OUT_MAX), .file = -1};
    connection_set_deadline(c, c->server->patience.head_ms);
    int one = 1;
    if (is_tcp)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    server_count_connection(server, c);
    watch(c);
    if (c->broken)
        destroy(c);
    return true;
}
