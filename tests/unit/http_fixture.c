/* SPDX-License-Identifier: Apache-2.0
 *
 * See http_fixture.h.
 */
#include "tests/unit/http_fixture.h"

#include "common/clock.h"
#include "common/io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { WAIT_MS = 30000 };

uv_loop_t test_loop;
struct http_server *test_server;
static struct sockaddr_storage address;
static socklen_t address_len;
static bool stopped;

/* An abstract Unix address or a TCP port of the kernel's choice: no file to clean up. */
static int listening_socket(bool tcp) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(tcp ? bind(fd, (struct sockaddr *)&in, sizeof(in))
                         : bind(fd, (struct sockaddr *)&un, sizeof(sa_family_t)),
                     0);
    ck_assert_int_eq(listen(fd, 64), 0);
    address_len = sizeof(address);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &address_len), 0);
    return fd;
}

void test_server_start(http_handler handler, void *ctx, bool trusted, bool tcp) {
    struct error err = ERROR_INIT;
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(uv_loop_init(&test_loop), 0);
    test_server = http_server_start(&test_loop, handler, ctx, &err);
    ck_assert_ptr_nonnull(test_server);
    struct http_listener listener = {
        .fd = listening_socket(tcp), .trusted = trusted, .check_peer = !tcp};
    ck_assert(http_server_listen(test_server, &listener, &err));
}

static void on_stopped(void *ctx) {
    (void)ctx;
    stopped = true;
}

void test_server_stop(void) {
    stopped = false;
    http_server_stop(test_server, 0, on_stopped, NULL);
    wait_for(&stopped);
    ck_assert_int_eq(uv_run(&test_loop, UV_RUN_NOWAIT), 0);
    ck_assert_int_eq(uv_loop_close(&test_loop), 0);
}

int client_connect(void) {
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, address_len), 0);
    ck_assert(io_set_nonblocking(fd, true));
    return fd;
}

void client_send_bytes(int fd, const void *bytes, size_t len) {
    const char *at = bytes;
    int64_t until = clock_mono_ms() + WAIT_MS;
    while (len) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n < 0)
            ck_assert_int_eq(errno, EAGAIN);
        else
            at += n, len -= (size_t)n;
        uv_run(&test_loop, UV_RUN_NOWAIT);
        ck_assert_int_lt(clock_mono_ms(), until);
    }
}

void client_send(int fd, const char *text) {
    client_send_bytes(fd, text, strlen(text));
}

/* 0 at the end of the stream. */
static ssize_t read_once(int fd, struct buf *got) {
    uv_run(&test_loop, UV_RUN_NOWAIT);
    ck_assert(buf_reserve(got, 64 << 10));
    ssize_t n = recv(fd, got->data + got->len, 64 << 10, 0);
    if (n < 0) {
        ck_assert_msg(errno == EAGAIN || errno == ECONNRESET, "%s", strerror(errno));
        return errno == EAGAIN ? -1 : 0;
    }
    got->len += (size_t)n;
    got->data[got->len] = '\0';
    return n;
}

const char *client_wait(int fd, struct buf *got, const char *needle) {
    int64_t until = clock_mono_ms() + WAIT_MS;
    while (!got->data || !memmem(got->data, got->len, needle, strlen(needle))) {
        ck_assert_msg(read_once(fd, got) != 0, "closed before '%s': %s", needle, got->data);
        ck_assert_msg(clock_mono_ms() < until, "no '%s' in: %s", needle, got->data);
    }
    return got->data;
}

void client_wait_end(int fd, struct buf *got) {
    int64_t until = clock_mono_ms() + WAIT_MS;
    while (read_once(fd, got) != 0)
        ck_assert_msg(clock_mono_ms() < until, "not closed after: %s", got->data);
}

void wait_for(const bool *flag) {
    int64_t until = clock_mono_ms() + WAIT_MS;
    while (!*flag) {
        uv_run(&test_loop, UV_RUN_NOWAIT);
        ck_assert_int_lt(clock_mono_ms(), until);
    }
}

void settle(void) {
    for (int i = 0; i < 200; i++)
        uv_run(&test_loop, UV_RUN_NOWAIT);
}
