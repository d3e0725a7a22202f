/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: all that a client can send on one connection, through the whole server, to handlers
 * that take bodies whole, in pieces, and not at all. Every connection must come to its end when the
 * client has ended its side.
 */
#include "backend/http/internal.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS = 10000, BODY_MAX = 4096 };

static uv_loop_t loop;
static struct http_server *server;

static void need(bool truth) {
    if (!truth)
        abort();
}

static void echo(void *ctx, struct exchange *x, const char *bytes, size_t len) {
    (void)ctx;
    exchange_reply(x, 200, "text/plain", bytes, len);
}

/* Takes every other time, and never more than a few bytes. */
static size_t nibble(void *ctx, const void *bytes, size_t len) {
    struct exchange *x = ctx;
    (void)bytes;
    exchange_read_more(x);
    return MIN(len, (size_t)7);
}

static void end(void *ctx) {
    exchange_end(ctx);
}

static void serve(void *ctx, struct exchange *x) {
    static const struct exchange_events pieces = {.body = nibble, .body_end = end};
    struct error err = ERROR_INIT;
    const char *path = exchange_path(x), *how = exchange_param(x, "how", 0, &err);
    (void)ctx;
    if (err.kind) {
        exchange_reply_error(x, &err);
    } else if (how && strcmp(how, "pieces") == 0) {
        exchange_set_events(x, &pieces, x);
        exchange_begin(x, 200, "text/plain", -1);
        exchange_write(x, path, strlen(path));
    } else if (how && strcmp(how, "whole") == 0) {
        exchange_read_body(x, BODY_MAX, echo, NULL);
    } else {
        exchange_add_header(x, "X-Path", "%s", path);
        exchange_reply_empty(x, 404);
    }
}

static void start(void) {
    struct error err = ERROR_INIT;
    signal(SIGPIPE, SIG_IGN);
    need(uv_loop_init(&loop) == 0);
    server = http_server_start(&loop, serve, NULL, &err);
    need(server != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct http_listener listener = {.trusted = true};
    static char sink[64 << 10];
    int pair[2];
    size_t sent = 0;
    if (!server)
        start();
    need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    need(connection_accept(server, pair[1], &listener, false));
    for (int turn = 0; server->connection_count; turn++) {
        need(turn < TURNS);
        ssize_t n = sent < size ? send(pair[0], data + sent, MIN(size - sent, (size_t)997), 0) : 0;
        sent += n > 0 ? (size_t)n : 0;
        if (sent == size || n < 0)
            shutdown(pair[0], SHUT_WR);
        uv_run(&loop, UV_RUN_NOWAIT);
        while (recv(pair[0], sink, sizeof(sink), 0) > 0)
            ;
    }
    need(server->exchange_count == 0);
    close(pair[0]);
    return 0;
}
