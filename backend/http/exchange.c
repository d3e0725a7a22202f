/* SPDX-License-Identifier: Apache-2.0
 *
 * One request and its response, seen from its owner: who is told what, the body on its way to the
 * owner, and the memory that lives as long as the exchange.
 */
#include "backend/http/internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

struct arena_block {
    struct arena_block *next;
    char bytes[];
};

void *exchange_alloc(struct exchange *x, size_t len) {
    size_t aligned = (len + 15) & ~(size_t)15;
    if (aligned >= len && aligned <= sizeof(x->arena) - x->arena_used) {
        x->arena_used += aligned;
        return x->arena + x->arena_used - aligned;
    }
    if (len > SIZE_MAX / 2)
        return NULL;
    struct arena_block *block = malloc(sizeof(*block) + len);
    if (!block)
        return NULL;
    block->next = x->arena_more;
    x->arena_more = block;
    return block->bytes;
}

/* The head is filled already: it is parsed in place, and too large to be cleared each time. */
void exchange_open(struct exchange *x, struct connection *c) {
    x->c = c;
    x->path = x->query = "";
    x->is_head = x->keep_alive = false;
    x->events = (struct exchange_events){0};
    x->paused = x->told_end = false;
    x->collect.done = NULL;
    x->headers = (struct buf)BUF_INIT(HTTP1_MAX_HEAD);
    x->begun = x->ended = x->aborted = x->chunked = x->until_close = x->no_body = x->stopped =
        false;
    x->length_left = 0;
    x->arena_used = 0;
    x->arena_more = NULL;
}

void exchange_close(struct exchange *x, bool broken) {
    if (x->events.closed)
        x->events.closed(x->ctx, broken);
    x->events = (struct exchange_events){0};
    if (x->collect.done)
        buf_free(&x->collect.buf);
    buf_free(&x->headers);
    while (x->arena_more) {
        struct arena_block *block = x->arena_more;
        x->arena_more = block->next;
        free(block);
    }
}

void exchange_set_events(struct exchange *x, const struct exchange_events *events, void *ctx) {
    x->events = *events;
    x->ctx = ctx;
    connection_wake(x->c);
}

/* ---- the body ---- */

bool exchange_wants_body(const struct exchange *x) {
    if (x->ended || x->paused)
        return false;
    return x->collect.done || x->events.body || x->events.body_end;
}

void exchange_read_more(struct exchange *x) {
    x->paused = false;
    connection_wake(x->c);
}

static void say_continue(struct exchange *x) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct connection *c = x->c;
    if (!x->head.expect_continue || x->begun)
        return;
    x->head.expect_continue = false;
    if (c->pos == c->end && c->body.kind != BODY_OVER &&
        !output_add(&c->out, text, sizeof(text) - 1))
        c->broken = true;
}

static void collected(struct exchange *x, const char *bytes, size_t len) {
    void (*done)(void *, struct exchange *, const char *, size_t) = x->collect.done;
    struct buf buf = x->collect.buf;
    x->collect.done = NULL;
    done(x->collect.ctx, x, bytes, len);
    buf_free(&buf);
}

static bool collect(struct exchange *x) {
    struct connection *c = x->c;
    struct buf *buf = &x->collect.buf;
    struct slice piece = c->body.piece;
    c->body.piece.len = 0;
    if (!piece.len) {
        if (c->body.kind != BODY_OVER)
            return false;
        x->told_end = true;
        collected(x, buf->data ? buf->data : "", buf->len);
    } else if (c->body.kind == BODY_OVER && !buf->len && piece.len <= buf->max) {
        x->told_end = true;
        collected(x, piece.at, piece.len); /* all there at once: no need to copy */
    } else if (!buf_add(buf, piece.at, piece.len)) {
        exchange_refuse(x, 413, "the request body is too large");
    }
    return true;
}

bool exchange_feed(struct exchange *x) {
    struct connection *c = x->c;
    if (!exchange_wants_body(x) || x->told_end)
        return false;
    say_continue(x);
    if (x->collect.done)
        return collect(x);
    struct slice *piece = &c->body.piece;
    if (piece->len) {
        size_t taken = piece->len;
        x->paused = true; /* unless the owner asks for more before it returns */
        if (x->events.body)
            taken = x->events.body(x->ctx, piece->at, piece->len);
        if (taken >= piece->len)
            x->paused = false;
        piece->at += MIN(taken, piece->len);
        piece->len -= MIN(taken, piece->len);
        return true;
    }
    if (c->body.kind != BODY_OVER)
        return false;
    x->told_end = true;
    if (x->events.body_end)
        x->events.body_end(x->ctx);
    return true;
}

void exchange_read_body(struct exchange *x, size_t max,
                        void (*done)(void *ctx, struct exchange *x, const char *bytes, size_t len),
                        void *ctx) {
    if (x->head.has_length && x->head.length > max) {
        exchange_refuse(x, 413, "the request body is too large");
        return;
    }
    x->collect.done = done;
    x->collect.ctx = ctx;
    x->collect.buf = (struct buf)BUF_INIT(max);
    connection_set_deadline(x->c, x->c->server->patience.body_ms);
    connection_wake(x->c);
}

/* ---- leaving ---- */

int exchange_take_over(struct exchange *x, char **rest, size_t *rest_len) {
    struct connection *c = x->c;
    *rest = NULL;
    *rest_len = c->end - c->pos;
    if (x->begun || c->broken || !output_idle(&c->out))
        return -1;
    if (*rest_len && !(*rest = malloc(*rest_len)))
        return -1;
    if (*rest_len)
        memcpy(*rest, c->in + c->pos, *rest_len);
    /* A duplicate, because libuv forgets a descriptor's new watcher when the old one is closed. */
    int fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
        free(steal_ptr(rest));
        return -1;
    }
    c->taken = true;
    connection_wake(c);
    return fd;
}
