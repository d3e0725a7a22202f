/* SPDX-License-Identifier: Apache-2.0
 *
 * hello: the least that backend/http can serve, on a port of 127.0.0.1 that it prints, until it is
 * ended. What is asked for does not matter.
 */
#include "backend/http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

static void serve(void *ctx, struct exchange *x) {
    static const char hello[] = "{\"hello\":\"world\"}";
    (void)ctx;
    exchange_reply(x, 200, "application/json", hello, sizeof(hello) - 1);
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    struct error err = ERROR_INIT;
    uv_loop_t loop;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    signal(SIGPIPE, SIG_IGN);
    if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0 || uv_loop_init(&loop) != 0)
        return 1;
    struct http_server *server = http_server_start(&loop, serve, NULL, &err);
    const struct http_listener listener = {.fd = fd, .trusted = true};
    if (!server || !http_server_listen(server, &listener, &err))
        return 1;
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return uv_run(&loop, UV_RUN_DEFAULT);
}
