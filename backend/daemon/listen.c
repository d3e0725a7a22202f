/* SPDX-License-Identifier: Apache-2.0
 *
 * The two doors: a Unix socket for the user's own programs, who need no key, and loopback TCP for
 * SDKs, who do. The port and the key are chosen once and kept in the state directory, so that what
 * `e2b local env` printed yesterday still holds.
 */
#include "backend/daemon/daemon.h"

#include "backend/core/keys.h"
#include "common/io.h"
#include "common/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    /* Below the range from which the kernel takes ports for outgoing connections. */
    PORT_FIRST = 20000,
    PORT_COUNT = 12000,
    PORT_TRIES = 64,
    BACKLOG = 4096,
};

bool state_file(const struct daemon *daemon, const char *name, char path[static PATHS_MAX],
                struct error *err) {
    int n = snprintf(path, PATHS_MAX, "%s/%s", daemon->paths.state, name);
    return n < PATHS_MAX || error_set(err, ERR_INVALID, "path too long: %s", daemon->paths.state);
}

/* ---- the key ---- */

static bool is_key(const struct buf *text) {
    return text->len == ID_KEY - 1 && strncmp(text->data, "e2b_", 4) == 0 &&
           strspn(text->data + 4, "0123456789abcdef") == ID_KEY - 5;
}

static bool find_key(struct daemon *daemon, struct error *err) {
    char path[PATHS_MAX];
    struct error ignored = ERROR_INIT;
    cleanup_buf struct buf text = BUF_INIT(4096);
    if (!state_file(daemon, "api-key", path, err))
        return false;
    if (io_read_file(path, &text, &ignored) && is_key(&text)) {
        memcpy(daemon->api_key, text.data, ID_KEY);
        return true;
    }
    ids_key(daemon->api_key);
    return io_write_file(path, daemon->api_key, ID_KEY - 1, 0600, err);
}

/* ---- TCP ---- */

static int listen_on(unsigned port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0)
        return -1;
    return steal_fd(&fd);
}

static unsigned kept_port(const char *path) {
    struct error ignored = ERROR_INIT;
    uint64_t port;
    cleanup_buf struct buf text = BUF_INIT(64);
    if (!io_read_file(path, &text, &ignored) ||
        !slice_number((struct slice){text.data, text.len}, &port) || port < 1024 || port > 65535)
        return 0;
    return (unsigned)port;
}

static int choose_port(struct daemon *daemon, const char *path, struct error *err) {
    for (int i = 0; i < PORT_TRIES; i++) {
        uint16_t random;
        char text[16];
        ids_random(&random, sizeof(random));
        daemon->port = PORT_FIRST + random % PORT_COUNT;
        cleanup_close int fd = listen_on(daemon->port);
        if (fd < 0)
            continue;
        int n = snprintf(text, sizeof(text), "%u", daemon->port);
        return io_write_file(path, text, (size_t)n, 0600, err) ? steal_fd(&fd) : -1;
    }
    error_errno(err, errno, "cannot listen on 127.0.0.1");
    return -1;
}

static int listen_tcp(struct daemon *daemon, struct error *err) {
    char path[PATHS_MAX], was[16];
    if (!state_file(daemon, "port", path, err))
        return -1;
    daemon->port = kept_port(path);
    int fd = daemon->port ? listen_on(daemon->port) : -1;
    if (fd >= 0)
        return fd;
    if (daemon->port) {
        snprintf(was, sizeof(was), "%u", daemon->port);
        log_warn("somebody else uses our port: choosing another", "port", was);
    }
    return choose_port(daemon, path, err);
}

/* ---- the Unix socket ---- */

static int listen_unix(const struct daemon *daemon, struct error *err) {
    struct error ignored = ERROR_INIT;
    cleanup_close int dir =
        open(daemon->paths.runtime, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0) {
        error_errno(err, errno, "cannot open %s", daemon->paths.runtime);
        return -1;
    }
    cleanup_close int other = io_unix_connect(dir, PATHS_SOCKET, SOCK_STREAM, &ignored);
    if (other >= 0) {
        error_set(err, ERR_CONFLICT, "another backend answers on %s/%s", daemon->paths.runtime,
                  PATHS_SOCKET);
        error_hint(err, "stop it with `e2b local stop`, or set E2B_HOME to have a second one");
        return -1;
    }
    unlinkat(dir, PATHS_SOCKET, 0);
    return io_unix_listen(dir, PATHS_SOCKET, SOCK_STREAM | SOCK_NONBLOCK, err);
}

static bool open_local(struct daemon *daemon, struct error *err) {
    struct http_listener local = {
        .fd = listen_unix(daemon, err), .trusted = true, .check_peer = true};
    if (local.fd < 0 || !http_server_listen(daemon->server, &local, err))
        return false;
    http_server_unlisten(daemon->server, daemon->local_socket); /* one that nobody can find */
    daemon->local_socket = local.fd;
    return true;
}

void listen_again(struct daemon *daemon) {
    char path[PATHS_MAX + sizeof(PATHS_SOCKET) + 1];
    struct error ignored = ERROR_INIT;
    snprintf(path, sizeof(path), "%s/%s", daemon->paths.runtime, PATHS_SOCKET);
    if (access(path, F_OK) == 0 || errno != ENOENT)
        return;
    if (paths_create(&daemon->paths, &ignored) && open_local(daemon, &ignored))
        log_warn("the socket was removed: it is there again", "path", path);
}

void listen_remove_socket(const struct daemon *daemon) {
    char path[PATHS_MAX + sizeof(PATHS_SOCKET) + 1];
    snprintf(path, sizeof(path), "%s/%s", daemon->paths.runtime, PATHS_SOCKET);
    unlink(path);
}

bool listen_open(struct daemon *daemon, struct error *err) {
    if (!find_key(daemon, err) || !keys_set_first(daemon->core, daemon->api_key, err))
        return false;
    struct http_listener tcp = {.fd = listen_tcp(daemon, err)};
    if (tcp.fd < 0 || !http_server_listen(daemon->server, &tcp, err))
        return false;
    snprintf(daemon->domain, sizeof(daemon->domain), "localhost:%u", daemon->port);
    snprintf(daemon->url, sizeof(daemon->url), "http://127.0.0.1:%u", daemon->port);
    return open_local(daemon, err);
}
