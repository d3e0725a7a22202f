/* SPDX-License-Identifier: Apache-2.0
 *
 * See receiver.h.
 */
#include "cli/webhook/receiver.h"

#include "common/buf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

enum { MAX_BODY = 4 << 20, PIECE = 16 << 10, BACKLOG = 64 };

struct receiver_connection {
    int fd;
    struct buf in;
};

/* ---- opening ---- */

static bool block_signals(struct receiver *receiver, struct error *err) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    receiver->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return receiver->signals >= 0 || error_errno(err, errno, "cannot wait for signals");
}

bool receiver_open(struct receiver *receiver, unsigned port, struct error *err) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int one = 1;
    receiver->signals = -1;
    receiver->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(receiver->listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (receiver->listening < 0 ||
        bind(receiver->listening, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(receiver->listening, BACKLOG) < 0 ||
        getsockname(receiver->listening, (struct sockaddr *)&address, &size) < 0) {
        error_errno(err, errno, "cannot listen on 127.0.0.1, port %u", port);
        close_fd(&receiver->listening);
        return false;
    }
    receiver->port = ntohs(address.sin_port);
    return block_signals(receiver, err);
}

/* ---- one connection ---- */

static void end_connection(struct receiver_connection **slot) {
    struct receiver_connection *c = *slot;
    *slot = NULL;
    close(c->fd);
    buf_free(&c->in);
    free(c);
}

static void accept_one(struct receiver *receiver) {
    cleanup_close int fd = accept4(receiver->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    for (size_t i = 0; fd >= 0 && i < RECEIVER_CONNECTIONS; i++) {
        struct receiver_connection *c = receiver->connections[i] ? NULL : calloc(1, sizeof(*c));
        if (!c)
            continue;
        c->in.max = HTTP1_MAX_HEAD + MAX_BODY;
        c->fd = steal_fd(&fd);
        receiver->connections[i] = c;
    }
}

/* Small enough to fit into any socket's buffer. */
static bool answer(const struct receiver_connection *c, int status, bool keep_alive) {
    char text[128];
    int len = snprintf(text, sizeof(text),
                       "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: %s\r\n\r\n", status,
                       status < 300 ? "OK" : "Refused", keep_alive ? "keep-alive" : "close");
    return send(c->fd, text, (size_t)len, MSG_NOSIGNAL) == len && keep_alive;
}

/* All requests that are there as a whole; false: the connection has to end. */
static bool serve(const struct receiver *receiver, struct receiver_connection *c) {
    while (c->in.len) {
        static struct http1_head head;
        size_t used;
        enum http1_result result = http1_parse_request(c->in.data, c->in.len, &head, &used);
        if (result == HTTP1_MORE)
            return true;
        if (result != HTTP1_OK || head.length > MAX_BODY)
            return answer(c, result == HTTP1_OK ? 413 : 400, false);
        if (head.chunked)
            return answer(c, 411, false);
        if (c->in.len - used < head.length)
            return true;
        int status = receiver->take(receiver->ctx, &head, c->in.data + used, (size_t)head.length);
        if (!status || !answer(c, status, head.keep_alive))
            return false;
        buf_consume(&c->in, used + (size_t)head.length);
    }
    return true;
}

static bool read_some(const struct receiver *receiver, struct receiver_connection *c) {
    if (!buf_reserve(&c->in, PIECE))
        return answer(c, 413, false);
    ssize_t n = recv(c->fd, c->in.data + c->in.len, PIECE, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    c->in.len += (size_t)n;
    return n > 0 && serve(receiver, c);
}

/* ---- all of them ---- */

enum { FIRST = 2 };

static void serve_ready(struct receiver *receiver, const struct pollfd *fds) {
    if (fds[1].revents)
        accept_one(receiver);
    for (size_t i = 0; i < RECEIVER_CONNECTIONS; i++)
        if (fds[FIRST + i].revents && receiver->connections[i] &&
            !read_some(receiver, receiver->connections[i]))
            end_connection(&receiver->connections[i]);
}

bool receiver_run(struct receiver *receiver, struct error *err) {
    struct pollfd fds[FIRST + RECEIVER_CONNECTIONS];
    for (;;) {
        fds[0] = (struct pollfd){.fd = receiver->signals, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = receiver->listening, .events = POLLIN};
        for (size_t i = 0; i < RECEIVER_CONNECTIONS; i++) {
            const struct receiver_connection *c = receiver->connections[i];
            fds[FIRST + i] = (struct pollfd){.fd = c ? c->fd : -1, .events = POLLIN};
        }
        if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
            return error_errno(err, errno, "cannot wait for deliveries");
        if (fds[0].revents)
            return true;
        serve_ready(receiver, fds);
    }
}

void receiver_close(struct receiver *receiver) {
    for (size_t i = 0; i < RECEIVER_CONNECTIONS; i++)
        if (receiver->connections[i])
            end_connection(&receiver->connections[i]);
    close_fd(&receiver->listening);
    close_fd(&receiver->signals);
}
