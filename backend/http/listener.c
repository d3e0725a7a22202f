/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets: accepts what comes, checks who it is, and stops accepting while there are too
 * many connections or no descriptors (the clients wait in the backlog meanwhile).
 */
#include "backend/http/internal.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { ACCEPT_TURN = 64, REFUSED_MS = 1000 };

struct listener {
    struct http_server *server;
    struct http_listener config;
    struct listener *next;
    uv_poll_t poll;
    bool is_tcp, paused;
};

static bool peer_is_welcome(const struct listener *l, int fd) {
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (!l->config.check_peer)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    return peer.uid == geteuid() || peer.uid == 0;
}

static void tell(int fd, const char *status, const char *body) {
    char text[512];
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\n"
                     "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     status, strlen(body), body);
    send(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What it has sent already is read, or the close would take the answer back. */
static void hang_up(int fd) {
    char ignored[8192];
    (void)!recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT);
    close(fd);
}

static void pause_accepting(struct listener *l) {
    uv_poll_stop(&l->poll);
    l->paused = true;
    server_start_tick(l->server);
}

/* Without a descriptor the waiting peer could not even be refused: the spare one is for that. The
 * peer may not have sent its request yet, and would not read the answer if it could not, so the
 * connection stays open for a while; whoever comes before its end waits. */
static void out_of_descriptors(struct listener *l) {
    struct http_server *server = l->server;
    if (server->refused_fd < 0)
        log_warn("no descriptors left for a connection", "error", strerror(errno));
    pause_accepting(l);
    if (server->refused_fd >= 0)
        return;
    close_fd(&server->spare_fd);
    server->refused_fd = accept4(l->config.fd, NULL, NULL, SOCK_CLOEXEC);
    server->refused_ms = (int64_t)uv_now(server->loop);
    if (server->refused_fd >= 0)
        tell(server->refused_fd, "503 Service Unavailable",
             "{\"code\":503,\"message\":\"the backend has too many files open\",\"hint\":"
             "\"try again when less is going on, or raise the limit: ulimit -n\"}");
}

static bool has_asked(int fd) {
    struct pollfd now = {.fd = fd, .events = POLLIN};
    return poll(&now, 1, 0) != 0;
}

void listener_hang_up(struct http_server *server) {
    if (server->refused_fd >= 0) {
        if ((int64_t)uv_now(server->loop) < server->refused_ms + REFUSED_MS &&
            !has_asked(server->refused_fd))
            return;
        hang_up(server->refused_fd);
    }
    server->refused_fd = -1;
    if (server->spare_fd < 0)
        server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool accept_one(struct listener *l) {
    if (l->server->connection_count >= l->server->max_connections) {
        pause_accepting(l);
        return false;
    }
    int fd = accept4(l->config.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
        return true;
    if (fd < 0) {
        if (error_is_passing(errno))
            out_of_descriptors(l);
        return false;
    }
    if (!peer_is_welcome(l, fd)) {
        tell(fd, "403 Forbidden",
             "{\"code\":403,\"message\":\"this backend belongs to another user\"}");
        hang_up(fd);
    } else if (!connection_accept(l->server, fd, &l->config, l->is_tcp))
        pause_accepting(l);
    return !l->paused;
}

static void on_connection(uv_poll_t *handle, int status, int events) {
    struct listener *l = handle->data;
    (void)events;
    for (int i = 0; status == 0 && i < ACCEPT_TURN && accept_one(l); i++)
        ;
}

bool listener_open(struct http_server *server, const struct http_listener *config,
                   struct error *err) {
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    struct listener *l = calloc(1, sizeof(*l));
    if (!l || getsockname(config->fd, (struct sockaddr *)&address, &len) < 0 ||
        uv_poll_init(server->loop, &l->poll, config->fd) < 0) {
        free(l);
        close(config->fd);
        return error_set(err, ERR_INTERNAL, "cannot wait for connections on a socket");
    }
    l->server = server;
    l->config = *config;
    l->is_tcp = address.ss_family != AF_UNIX;
    l->poll.data = l;
    l->next = server->listeners;
    server->listeners = l;
    server->open_handles++;
    uv_poll_start(&l->poll, UV_READABLE, on_connection);
    return true;
}

void listener_resume_all(struct http_server *server) {
    for (struct listener *l = server->listeners; l; l = l->next)
        if (l->paused && server->connection_count < server->max_connections) {
            l->paused = false;
            uv_poll_start(&l->poll, UV_READABLE, on_connection);
        }
}

static void on_closed(uv_handle_t *handle) {
    struct listener *l = handle->data;
    struct http_server *server = l->server;
    free(l);
    server_handle_closed(server);
}

static void close_first(struct listener **at) {
    struct listener *l = *at;
    *at = l->next;
    uv_close((uv_handle_t *)&l->poll, on_closed);
    close(l->config.fd);
}

void listener_close(struct http_server *server, int fd) {
    struct listener **at = &server->listeners;
    while (*at && (*at)->config.fd != fd)
        at = &(*at)->next;
    if (*at)
        close_first(at);
}

void listener_close_all(struct http_server *server) {
    while (server->listeners)
        close_first(&server->listeners);
}
