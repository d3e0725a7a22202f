/* SPDX-License-Identifier: Apache-2.0
 *
 * The relay to sandbox ports, with the test as both the client and the program, and the parsing of
 * what names a sandbox.
 */
#include "tests/unit/http_fixture.h"
#include "tests/unit/unit.h"

#include "backend/envd/address.h"
#include "backend/envd/relay.h"
#include "common/io.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int fd;      /* the client's socket */
static int program; /* the program's end of what the relay talks to */
static struct buf got = BUF_INIT(64 << 20), asked = BUF_INIT(64 << 20);
static struct relay_target target;

static void serve(void *ctx, struct exchange *x) {
    int pair[2];
    (void)ctx;
    if (program >= 0)
        close(program);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    program = pair[0];
    relay_start(&test_loop, x, pair[1], &target);
}

static void start(void) {
    target = (struct relay_target){.sandbox_id = "i0", .port = 3000};
    program = -1;
    test_server_start(serve, NULL, false, true);
    fd = client_connect();
}

static void stop(void) {
    close_fd(&fd);
    close_fd(&program);
    test_server_stop();
    buf_free(&got);
    buf_free(&asked);
}

/* Sends the request and waits until the program has it up to `needle`. */
static void ask(const char *request, const char *needle) {
    client_send(fd, request);
    while (program < 0)
        uv_run(&test_loop, UV_RUN_NOWAIT);
    client_wait(program, &asked, needle);
}

START_TEST(passes_the_head_on) {
    ask("GET /a%2Fb?c=%20+d HTTP/1.1\r\nHost: 3000-i0.localhost\r\nX-One: 1\r\n"
        "Connection: keep-alive, X-Hop\r\nX-Hop: 2\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
        "cookie: a=b\r\nProxy-Connection: x\r\n\r\n",
        "\r\n\r\n");
    ck_assert_str_eq(asked.data, "GET /a%2Fb?c=%20+d HTTP/1.1\r\nHost: 3000-i0.localhost\r\n"
                                 "Connection: close\r\nX-One: 1\r\ncookie: a=b\r\n\r\n");
    client_send(program, "HTTP/1.1 418 I am a teapot\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
                         "Connection: X-Gone\r\nX-Gone: 1\r\nContent-Length: 3\r\n\r\nabc");
    client_wait(fd, &got, "\r\n\r\nabc");
    ck_assert_str_eq(got.data, "HTTP/1.1 418 I am a teapot\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
                               "Content-Length: 3\r\n\r\nabc");
}
END_TEST

START_TEST(masks_the_host) {
    target.host = "localhost:3000";
    ask("GET / HTTP/1.1\r\nhost: original\r\n\r\n", "\r\n\r\n");
    ck_assert_str_eq(asked.data, "GET / HTTP/1.1\r\nX-Forwarded-Host: original\r\n"
                                 "Host: localhost:3000\r\nConnection: close\r\n\r\n");
}
END_TEST

START_TEST(keeps_the_client_whatever_the_program_does) {
    for (int i = 0; i < 3; i++) {
        ask("GET / HTTP/1.1\r\nHost: t\r\n\r\n", "\r\n\r\n");
        client_send(program, "HTTP/1.0 200 OK\r\n\r\nuntil the end");
        close_fd(&program);
        client_wait(fd, &got, "\r\n0\r\n\r\n");
        ck_assert_ptr_nonnull(strstr(got.data, "until the end"));
        buf_consume(&got, got.len);
        buf_consume(&asked, asked.len);
    }
}
END_TEST

START_TEST(passes_bodies_on) {
    ask("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "abc");
    client_send(fd, "2\r\nde\r\n0\r\n\r\n");
    client_wait(program, &asked, "2\r\nde\r\n0\r\n\r\n");
    client_send(program, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    client_wait(fd, &got, "1\r\nx\r\n"); /* not held back until the end */
    client_send(program, "1\r\ny\r\n0\r\n\r\n");
    client_wait(fd, &got, "1\r\ny\r\n0\r\n\r\n");
}
END_TEST

START_TEST(passes_a_large_body_on) {
    enum { TOTAL = 4 << 20 };
    static char zeros[TOTAL];
    ask("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4194304\r\n\r\n", "\r\n\r\n");
    size_t head = asked.len;
    for (size_t sent = 0; asked.len - head < TOTAL;) {
        ssize_t n = send(fd, zeros, TOTAL - sent, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        uv_run(&test_loop, UV_RUN_NOWAIT);
        ck_assert(buf_reserve(&asked, 64 << 10));
        n = recv(program, asked.data + asked.len, 64 << 10, 0);
        asked.len += n > 0 ? (size_t)n : 0;
    }
    ck_assert_uint_eq(asked.len - head, TOTAL);
}
END_TEST

START_TEST(passes_an_early_answer_on) {
    ask("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
        "Content-Length: 3\r\n\r\n");
    client_send(program, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    client_wait(fd, &got, "\r\n\r\nok");
    ck_assert_ptr_nonnull(strstr(got.data, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
}
END_TEST

START_TEST(carries_much_at_the_speed_of_the_slower) {
    enum { TOTAL = 8 << 20 };
    static char zeros[64 << 10];
    size_t sent = 0;
    ask("GET / HTTP/1.1\r\nHost: t\r\n\r\n", "\r\n\r\n");
    client_send(program, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
    for (int i = 0; i < 500; i++) {
        ssize_t n = send(program, zeros, sizeof(zeros), MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        uv_run(&test_loop, UV_RUN_NOWAIT);
    }
    ck_assert_uint_lt(sent, 7 << 20); /* buffers of two sockets and our own */
    while (got.len < TOTAL) {
        ssize_t n = send(program, zeros, MIN(sizeof(zeros), TOTAL - sent), MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        ck_assert(buf_reserve(&got, sizeof(zeros)));
        n = recv(fd, got.data + got.len, sizeof(zeros), 0);
        got.len += n > 0 ? (size_t)n : 0;
        uv_run(&test_loop, UV_RUN_NOWAIT);
    }
}
END_TEST

START_TEST(tells_of_a_program_that_breaks_off) {
    static const struct {
        const char *answer, *seen;
    } cases[] = {
        {"", "closed the connection without an answer\",\"port\":3000,\"code\":502}"},
        {"SSH-2.0-OpenSSH\r\n\r\n", "does not answer in HTTP/1.1\",\"port\":3000,\"code\":502}"},
        {"HTTP/1.1 101 Switching\r\n\r\n", "without being asked\",\"port\":3000,\"code\":502}"},
    };
    ask("GET / HTTP/1.1\r\nHost: t\r\n\r\n", "\r\n\r\n");
    client_send(program, cases[_i].answer);
    close_fd(&program);
    client_wait(fd, &got, cases[_i].seen);
    ck_assert_ptr_nonnull(strstr(got.data, "HTTP/1.1 502 Bad Gateway"));
    ck_assert_ptr_nonnull(strstr(got.data, "{\"sandboxId\":\"i0\",\"message\":"));
}
END_TEST

START_TEST(shows_a_person_a_page) {
    static const struct {
        const char *headers, *type;
    } cases[] = {
        {"Accept: text/html,*/*\r\nUser-Agent: Mozilla/5.0\r\n", "text/html"},
        {"Accept: text/html\r\nUser-Agent: Mozilla/5.0\r\nSec-Fetch-Mode: navigate\r\n",
         "text/html"},
        {"Accept: text/html\r\nUser-Agent: Mozilla/5.0\r\nSec-Fetch-Mode: cors\r\n",
         "application/json"},
        {"Accept: application/json\r\nUser-Agent: Mozilla/5.0\r\n", "application/json"},
        {"Accept: text/html\r\nUser-Agent: curl/8\r\n", "application/json"},
    };
    char request[256], type[64];
    snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: t\r\n%s\r\n", cases[_i].headers);
    snprintf(type, sizeof(type), "Content-Type: %s; charset=utf-8\r\n", cases[_i].type);
    ask(request, "\r\n\r\n");
    close_fd(&program);
    client_wait(fd, &got, type);
    ck_assert_ptr_nonnull(strstr(got.data, "HTTP/1.1 502 Bad Gateway"));
}
END_TEST

START_TEST(breaks_off_with_the_program) {
    ask("GET / HTTP/1.1\r\nHost: t\r\n\r\n", "\r\n\r\n");
    client_send(program, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    client_wait(fd, &got, "abc");
    close_fd(&program);
    client_wait_end(fd, &got);
    ck_assert_uint_eq(http_server_exchanges(test_server), 0);
}
END_TEST

START_TEST(leaves_the_program_with_the_client) {
    ask("GET / HTTP/1.1\r\nHost: t\r\n\r\n", "\r\n\r\n");
    client_send(program, "HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n");
    client_wait(fd, &got, "data: 1");
    close_fd(&fd);
    client_wait_end(program, &asked);
}
END_TEST

static void upgrade(void) {
    ask("GET /ws HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: k\r\n\r\nearly",
        "Sec-WebSocket-Key: k\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(asked.data, "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    client_send(program, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\nhello");
    client_wait(fd, &got, "Sec-WebSocket-Accept: a\r\n\r\nhello");
    ck_assert_ptr_nonnull(strstr(got.data, "HTTP/1.1 101 Switching Protocols\r\n"
                                           "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    client_wait(program, &asked, "\r\n\r\nearly");
}

START_TEST(becomes_a_tunnel) {
    upgrade();
    client_send(fd, "\x81\x01x");
    client_wait(program, &asked, "\x81\x01x");
    client_send(program, "\x81\x01y");
    client_wait(fd, &got, "\x81\x01y");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    client_wait_end(program, &asked);
    client_send(program, "last words"); /* the other way is still open */
    client_wait(fd, &got, "last words");
    close_fd(&program);
    client_wait_end(fd, &got);
}
END_TEST

START_TEST(tunnels_at_the_speed_of_the_slower) {
    static char zeros[64 << 10];
    size_t sent = 0, before;
    upgrade();
    for (int i = 0; i < 500; i++) {
        ssize_t n = send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        uv_run(&test_loop, UV_RUN_NOWAIT);
    }
    ck_assert_uint_lt(sent, 16 << 20);
    before = asked.len;
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    client_wait_end(program, &asked);
    ck_assert_uint_eq(asked.len - before, sent);
}
END_TEST

START_TEST(finds_the_sandbox) {
    static const struct {
        const char *host, *id, *port; /* NULL: no such header */
        enum address_kind kind;
        const char *found;
        unsigned found_port;
    } cases[] = {
        {"127.0.0.1:3000", NULL, NULL, ADDRESS_NONE, "", 0},
        {"localhost", NULL, "80", ADDRESS_NONE, "", 0},
        {"localhost:3000", "iabc", "49983", ADDRESS_SANDBOX, "iabc", 49983},
        {"3000-iabc.localhost:2000", NULL, NULL, ADDRESS_SANDBOX, "iabc", 3000},
        {"3000-iabc.localhost", "other", "1", ADDRESS_SANDBOX, "iabc", 3000},
        {"3000-iabc-6532622b.e2b.app", NULL, NULL, ADDRESS_SANDBOX, "iabc", 3000},
        {"3000-iabc", NULL, NULL, ADDRESS_NONE, "", 0},
        {"my-host.example", NULL, NULL, ADDRESS_NONE, "", 0},
        {"-.x", NULL, NULL, ADDRESS_NONE, "", 0},
        {"3000-.x", NULL, NULL, ADDRESS_BAD_ID, "", 0},
        {"3000-IABC.x", NULL, NULL, ADDRESS_BAD_ID, "", 0},
        {"0-iabc.x", NULL, NULL, ADDRESS_BAD_PORT, "iabc", 0},
        {"65536-iabc.x", NULL, NULL, ADDRESS_BAD_PORT, "iabc", 0},
        {"x", "iabc", NULL, ADDRESS_NO_PORT, "", 0},
        {"x", "../etc", "80", ADDRESS_BAD_ID, "", 0},
        {"x", "iaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "80", ADDRESS_BAD_ID, "", 0},
        {"x", "iabc", "http", ADDRESS_BAD_PORT, "iabc", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http1_head head = {.header_count = 0};
        const char *names[] = {"Host", "e2b-sandbox-id", "E2B-SANDBOX-PORT"};
        const char *values[] = {cases[i].host, cases[i].id, cases[i].port};
        struct address address = {0};
        for (size_t h = 0; h < 3; h++)
            if (values[h])
                head.headers[head.header_count++] = (struct http1_header){
                    {names[h], strlen(names[h])}, {values[h], strlen(values[h])}};
        ck_assert_msg(address_find(&head, &address) == cases[i].kind, "case %zu", i);
        ck_assert_str_eq(address.id, cases[i].found);
        ck_assert_uint_eq(address.port, cases[i].found_port);
    }
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("relay");
    tcase_add_checked_fixture(cases, start, stop);
    tcase_add_test(cases, passes_the_head_on);
    tcase_add_test(cases, masks_the_host);
    tcase_add_test(cases, keeps_the_client_whatever_the_program_does);
    tcase_add_test(cases, passes_bodies_on);
    tcase_add_test(cases, passes_a_large_body_on);
    tcase_add_test(cases, passes_an_early_answer_on);
    tcase_add_test(cases, carries_much_at_the_speed_of_the_slower);
    tcase_add_loop_test(cases, tells_of_a_program_that_breaks_off, 0, 3);
    tcase_add_loop_test(cases, shows_a_person_a_page, 0, 5);
    tcase_add_test(cases, breaks_off_with_the_program);
    tcase_add_test(cases, leaves_the_program_with_the_client);
    tcase_add_test(cases, becomes_a_tunnel);
    tcase_add_test(cases, tunnels_at_the_speed_of_the_slower);
    tcase_add_test(cases, finds_the_sandbox);
    return unit_run("relay", cases);
}
