/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.1 over the local backend's Unix socket. A transfer has a connection for itself and hands
 * it back when its answer ended cleanly, so calls that follow each other share one. The backend is
 * trusted to be ours (its socket's owner was checked) but not to be free of bugs: everything it
 * sends is bounded.
 */
#include "client/spawn.h"
#include "client/transport.h"
#include "common/http1.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

enum {
    IDLE_MAX = 2, /* a stream and a call beside it */
    READ_SIZE = 64 << 10,
    SEND_TIMEOUT_S = 60,
    UPLOAD_PIECE = 1 << 20, /* between two words of progress */
};

struct local {
    struct paths paths;
    bool may_start;
    void (*progress)(const char *line);
    int idle[IDLE_MAX];
};

enum framing { UNTIL_CLOSE, BY_LENGTH, BY_CHUNKS };

struct local_transfer {
    struct transfer base;
    struct local *local;
    int sock;
    struct buf in; /* raw bytes that wait to be understood */
    enum framing framing;
    uint64_t left; /* BY_LENGTH */
    struct http1_chunks chunks;
    bool keep_alive;
};

static int connect_new(struct local *local, struct error *err) {
    int sock = spawn_connect(&local->paths, local->may_start, local->progress, err);
    if (sock < 0)
        return -1;
    const struct timeval patience = {.tv_sec = SEND_TIMEOUT_S};
    setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return sock;
}

static void *local_open(const struct target *target, bool may_start, struct error *err) {
    struct local *local = calloc(1, sizeof(*local));
    if (!local) {
        error_errno(err, ENOMEM, "cannot open a client");
        return NULL;
    }
    local->may_start = may_start;
    local->progress = target->progress;
    for (size_t i = 0; i < IDLE_MAX; i++)
        local->idle[i] = -1;
    if (paths_find(&local->paths, err) && (local->idle[0] = connect_new(local, err)) >= 0)
        return local;
    free(local);
    return NULL;
}

static void local_close(void *self) {
    struct local *local = self;
    for (size_t i = 0; i < IDLE_MAX; i++)
        close_fd(&local->idle[i]);
    free(local);
}

/* An idle connection that is still good: the backend closes them after a while. */
static int take_idle(struct local *local) {
    for (size_t i = 0; i < IDLE_MAX; i++) {
        cleanup_close int sock = steal_fd(&local->idle[i]);
        char byte;
        if (sock >= 0 && recv(sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN)
            return steal_fd(&sock);
    }
    return -1;
}

static bool put_head(struct buf *head, const struct transport_request *request) {
    if (!buf_printf(head, "%s %s HTTP/1.1\r\nHost: localhost\r\n", request->method, request->url))
        return false;
    for (const char *const *line = request->headers; *line; line++)
        if (!buf_printf(head, "%s\r\n", *line))
            return false;
    if (request->body && !buf_printf(head, "Content-Length: %zu\r\n", request->body_len))
        return false;
    if (request->upload &&
        !buf_printf(head, "Content-Length: %llu\r\n", (unsigned long long)request->upload->len))
        return false;
    return buf_puts(head, "\r\n");
}

static bool send_both(int sock, struct iovec iov[2]) {
    while (iov[0].iov_len + iov[1].iov_len) {
        struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
        ssize_t n = sendmsg(sock, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        for (int i = 0; i < 2; i++) {
            size_t part = MIN((size_t)n, iov[i].iov_len);
            iov[i].iov_base = (char *)iov[i].iov_base + part;
            iov[i].iov_len -= part;
            n -= (ssize_t)part;
        }
    }
    return true;
}

static bool send_upload(int sock, const struct upload *upload) {
    off_t at = 0;
    while ((uint64_t)at < upload->len) {
        size_t wanted = (size_t)MIN(upload->len - (uint64_t)at, (uint64_t)UPLOAD_PIECE);
        ssize_t n = sendfile(sock, upload->fd, &at, wanted);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO; /* the file is shorter than it was */
        if (n <= 0)
            return false;
        if (upload->sent)
            upload->sent(upload->ctx, (uint64_t)n);
    }
    return true;
}

/* A peer that closed may have answered before (413): then the answer counts, not EPIPE. */
static bool send_request(int sock, const struct transport_request *request, struct error *err) {
    cleanup_buf struct buf head = BUF_INIT(HTTP1_MAX_HEAD);
    if (!put_head(&head, request))
        return error_set(err, ERR_TOO_LARGE, "the request is too large");
    struct iovec iov[2] = {
        {.iov_base = head.data, .iov_len = head.len},
        {.iov_base = (void *)(uintptr_t)request->body, .iov_len = request->body_len},
    };
    if (send_both(sock, iov) && (!request->upload || send_upload(sock, request->upload)))
        return true;
    if (errno == EPIPE || errno == ECONNRESET)
        return true;
    if (errno != EAGAIN)
        return error_errno(err, errno, "cannot send to the local backend");
    error_set(err, ERR_TIMEOUT, "the local backend takes no request");
    return error_hint(err, "see `e2b local logs`; `e2b local stop` and try again");
}

static void local_end(struct transfer *transfer) {
    struct local_transfer *x = container_of(transfer, struct local_transfer, base);
    if (transfer->done && x->keep_alive && !x->in.len)
        for (size_t i = 0; i < IDLE_MAX; i++)
            if (x->local->idle[i] < 0) {
                x->local->idle[i] = steal_fd(&x->sock);
                break;
            }
    close_fd(&x->sock);
    buf_free(&x->in);
    buf_free(&transfer->body);
    free(x);
}

static struct transfer *local_begin(void *self, const struct transport_request *request,
                                    struct error *err) {
    struct local *local = self;
    struct local_transfer *x = calloc(1, sizeof(*x));
    if (!x) {
        error_errno(err, ENOMEM, "cannot send a request");
        return NULL;
    }
    x->base.transport = &transport_local;
    x->base.body.max = TRANSFER_MAX_BODY;
    x->in.max = HTTP1_MAX_HEAD + READ_SIZE;
    x->local = local;
    x->sock = take_idle(local);
    if (x->sock < 0)
        x->sock = connect_new(local, err);
    if (x->sock >= 0 && send_request(x->sock, request, err))
        return &x->base;
    local_end(&x->base);
    return NULL;
}

static int local_fd(const struct transfer *transfer) {
    return ((const struct local_transfer *)transfer)->sock;
}

static bool nonsense(struct error *err) {
    error_set(err, ERR_INTERNAL, "the local backend answered nonsense");
    return error_hint(err, "is it another version? try `e2b local stop`");
}

static void note_head(struct local_transfer *x, const struct http1_head *head) {
    bool empty = head->status == 204 || head->status == 304;
    x->base.status = head->status;
    x->keep_alive = head->keep_alive;
    x->framing = head->chunked && !empty     ? BY_CHUNKS
                 : head->has_length || empty ? BY_LENGTH
                                             : UNTIL_CLOSE;
    x->left = empty ? 0 : head->length;
    x->base.done = x->framing == BY_LENGTH && !x->left;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http1_header *h = &head->headers[i];
        transfer_header(&x->base, h->name.at, h->name.len, h->value.at, h->value.len);
    }
}

/* Interim answers (1xx) are skipped. */
static bool take_head(struct local_transfer *x, struct error *err) {
    struct http1_head head;
    while (!x->base.status) {
        size_t used;
        enum http1_result result = http1_parse_response(x->in.data, x->in.len, &head, &used);
        if (result == HTTP1_MORE)
            return true;
        if (result != HTTP1_OK)
            return nonsense(err);
        if (head.status >= 200)
            note_head(x, &head);
        buf_consume(&x->in, used);
    }
    return true;
}

/* Moves one piece of body over; *used is what it took of the raw bytes. */
static bool take_piece(struct local_transfer *x, const char *bytes, size_t len, size_t *used,
                       struct error *err) {
    struct slice data = {bytes, len};
    *used = len;
    if (x->framing == BY_LENGTH) {
        *used = data.len = (size_t)MIN(x->left, (uint64_t)len);
        x->left -= data.len;
        x->base.done = !x->left;
    } else if (x->framing == BY_CHUNKS) {
        enum http1_result result = http1_chunks_next(&x->chunks, bytes, len, used, &data);
        if (result == HTTP1_BAD)
            return nonsense(err);
        x->base.done = result == HTTP1_OK;
    }
    return buf_add(&x->base.body, data.at, data.len) ||
           error_set(err, ERR_TOO_LARGE, "the answer is larger than %d MiB",
                     TRANSFER_MAX_BODY >> 20);
}

static bool take_body(struct local_transfer *x, struct error *err) {
    size_t at = 0;
    bool ok = true;
    while (ok && at < x->in.len && !x->base.done) {
        size_t used;
        ok = take_piece(x, x->in.data + at, x->in.len - at, &used, err);
        at += ok ? used : 0;
    }
    buf_consume(&x->in, at);
    return ok;
}

/* ECONNRESET without a byte of an answer: the kernel says so of a Unix socket whose other end was
 * closed with our request still in it, as when a backend leaves in that moment. */
static bool peer_left(struct local_transfer *x, int saved_errno, struct error *err) {
    bool answered = x->base.status || x->in.len;
    if (!saved_errno && x->base.status && x->framing == UNTIL_CLOSE) {
        x->base.done = true;
        return true;
    }
    x->base.unread = saved_errno == ECONNRESET && !answered;
    error_set(err, ERR_UNAVAILABLE, "the local backend ended %s",
              answered ? "in the middle of its answer" : "without an answer");
    return error_hint(err, "see `e2b local logs`; the next command starts it again");
}

static bool local_pump(struct transfer *transfer, struct error *err) {
    struct local_transfer *x = container_of(transfer, struct local_transfer, base);
    if (transfer->done)
        return true;
    if (!buf_reserve(&x->in, READ_SIZE))
        return nonsense(err);
    ssize_t n = recv(x->sock, x->in.data + x->in.len, READ_SIZE, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0)
        return peer_left(x, n < 0 ? errno : 0, err);
    x->in.len += (size_t)n;
    if (!transfer->status && !take_head(x, err))
        return false;
    return !transfer->status || take_body(x, err);
}

const struct transport transport_local = {
    .open = local_open,
    .close = local_close,
    .begin = local_begin,
    .pump = local_pump,
    .fd = local_fd,
    .end = local_end,
};
