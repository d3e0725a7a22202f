/* SPDX-License-Identifier: Apache-2.0
 *
 * See tunnel.h. A side is read only while nothing waits to be sent to the other one, so a slow
 * reader stops the sender and at most one buffer a direction is held. An idle tunnel holds none.
 */
#include "backend/envd/tunnel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { TUNNEL_BYTES = 64 << 10 };

struct side {
    struct tunnel *tunnel;
    struct side *peer;
    uv_poll_t poll;
    int fd, watched;
    struct buf out; /* bytes for this side's socket */
    size_t sent;
    bool open;    /* poll is initialised */
    bool ended;   /* nothing more comes from it */
    bool shut;    /* was told that nothing more comes to it */
    bool hung_up; /* nobody reads at its other end */
};

struct tunnel {
    struct side sides[2];
    unsigned open_handles;
};

static void on_closed(uv_handle_t *handle) {
    struct tunnel *tunnel = ((struct side *)handle->data)->tunnel;
    if (--tunnel->open_handles == 0)
        free(tunnel);
}

static void tunnel_close(struct tunnel *tunnel) {
    for (size_t i = 0; i < 2; i++) {
        struct side *side = &tunnel->sides[i];
        if (side->open)
            uv_close((uv_handle_t *)&side->poll, on_closed);
        close_fd(&side->fd);
        buf_free(&side->out);
    }
    if (!tunnel->open_handles)
        free(tunnel);
}

/* False when the tunnel is broken. */
static bool flush(struct side *side) {
    while (side->sent < side->out.len) {
        ssize_t n = send(side->fd, side->out.data + side->sent, side->out.len - side->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        side->sent += (size_t)n;
    }
    buf_free(&side->out);
    side->sent = 0;
    if (side->peer->ended && !side->shut) {
        side->shut = true;
        shutdown(side->fd, SHUT_WR);
    }
    return true;
}

static bool receive(struct side *side) {
    struct buf *out = &side->peer->out;
    if (side->ended || out->len)
        return true;
    if (!buf_reserve(out, TUNNEL_BYTES))
        return false;
    ssize_t n = recv(side->fd, out->data, TUNNEL_BYTES, MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return false;
    if (n > 0)
        out->len = (size_t)n;
    side->ended = n == 0;
    return flush(side->peer);
}

static void on_poll(uv_poll_t *handle, int status, int events);

static bool watch(struct side *side) {
    int events = side->out.len ? UV_WRITABLE : 0;
    if (!side->ended && !side->peer->out.len)
        events |= UV_READABLE;
    if (side->hung_up)
        return uv_poll_stop(&side->poll) == 0;
    if (!events)
        events = UV_PRIORITIZED; /* nothing but its hanging up is waited for */
    if (events == side->watched)
        return true;
    side->watched = events;
    return uv_poll_start(&side->poll, events, on_poll) == 0;
}

static bool is_over(const struct side *side) {
    return (side->shut && side->peer->shut) || (side->hung_up && !side->peer->out.len);
}

static void on_poll(uv_poll_t *handle, int status, int events) {
    struct side *side = handle->data;
    struct tunnel *tunnel = side->tunnel;
    bool ok = status == 0;
    if (events & UV_PRIORITIZED)
        side->hung_up = side->ended = true;
    ok = ok && (!(events & UV_READABLE) || receive(side));
    ok = ok && (!(events & UV_WRITABLE) || flush(side));
    ok = ok && (!side->hung_up || flush(side->peer));
    if (!ok || is_over(side) || is_over(side->peer) || !watch(side) || !watch(side->peer))
        tunnel_close(tunnel);
}

static bool open_side(uv_loop_t *loop, struct side *side, struct tunnel_end *end) {
    int one = 1;
    side->out = end->first;
    end->first = (struct buf){.max = end->first.max};
    side->out.max = MAX(side->out.max, (size_t)TUNNEL_BYTES);
    side->fd = steal_fd(&end->fd);
    side->poll.data = side;
    setsockopt(side->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* or it is no TCP */
    side->open = uv_poll_init(loop, &side->poll, side->fd) == 0;
    side->tunnel->open_handles += side->open;
    return side->open;
}

bool tunnel_start(uv_loop_t *loop, struct tunnel_end *one, struct tunnel_end *other) {
    struct tunnel *tunnel = calloc(1, sizeof(*tunnel));
    if (!tunnel) {
        close_fd(&one->fd);
        close_fd(&other->fd);
        buf_free(&one->first);
        buf_free(&other->first);
        return false;
    }
    struct side *a = &tunnel->sides[0], *b = &tunnel->sides[1];
    *a = (struct side){.tunnel = tunnel, .peer = b, .fd = -1};
    *b = (struct side){.tunnel = tunnel, .peer = a, .fd = -1};
    bool ok = open_side(loop, a, one);
    ok = open_side(loop, b, other) && ok;
    if (ok && flush(a) && flush(b) && watch(a) && watch(b))
        return true;
    tunnel_close(tunnel);
    return false;
}
