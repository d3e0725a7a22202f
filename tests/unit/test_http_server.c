/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server as its clients see it: what is kept alive and what is closed, limits, slow peers
 * on either side, and those who leave.
 */
#include "common/clock.h"
#include "tests/unit/http_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { STREAM_BYTES = 8 << 20, PIECE = 64 << 10, BODY_MAX = 100000 };

/* ---- what the server does with the test's paths ---- */

static struct {
    struct exchange *x;
    size_t written, taken;
    bool begun, closed, broken, body_ended, hold;
    int fd; /* taken over */
    char *rest;
    size_t rest_len;
} seen;

static void on_closed(void *ctx, bool broken) {
    (void)ctx;
    seen.closed = true;
    seen.broken = broken;
    seen.x = NULL;
}

static void write_more(void *ctx) {
    static const char piece[PIECE];
    (void)ctx;
    while (seen.written < STREAM_BYTES) {
        seen.written += PIECE;
        if (!exchange_write(seen.x, piece, PIECE))
            return;
    }
    exchange_end(seen.x);
}

static size_t take_body(void *ctx, const void *bytes, size_t len) {
    (void)ctx;
    (void)bytes;
    if (seen.hold)
        return 0;
    size_t taken = MIN(len, (size_t)1000);
    seen.taken += taken;
    if (taken < len)
        exchange_read_more(seen.x);
    return taken;
}

static void on_body_end(void *ctx) {
    char text[32];
    (void)ctx;
    seen.body_ended = true;
    snprintf(text, sizeof(text), "took %zu", seen.taken);
    exchange_reply(seen.x, 200, "text/plain", text, strlen(text));
}

static void echo(void *ctx, struct exchange *x, const char *bytes, size_t len) {
    (void)ctx;
    exchange_reply(x, 200, "text/plain", bytes, len);
}

static int file_of(const char *text) {
    int fd = memfd_create("test", MFD_CLOEXEC);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

static void serve(void *ctx, struct exchange *x) {
    static const struct exchange_events events = {.closed = on_closed, .drained = write_more};
    static const struct exchange_events body = {
        .closed = on_closed, .body = take_body, .body_end = on_body_end};
    const char *path = exchange_path(x);
    (void)ctx;
    if (strcmp(path, "/hello") == 0) {
        exchange_reply(x, 200, "text/plain", "hello", 5);
        return;
    }
    seen.x = x;
    seen.begun = true;
    if (strcmp(path, "/echo") == 0) {
        exchange_read_body(x, BODY_MAX, echo, NULL);
    } else if (strcmp(path, "/wait") == 0) {
        exchange_set_events(x, &events, NULL);
    } else if (strcmp(path, "/stream") == 0) {
        exchange_set_events(x, &events, NULL);
        exchange_begin(x, 200, "text/plain", -1);
        exchange_write(x, "first", 5);
    } else if (strcmp(path, "/flood") == 0) {
        exchange_set_events(x, &events, NULL);
        exchange_begin(x, 200, "text/plain", -1);
        write_more(NULL);
    } else if (strcmp(path, "/slow-body") == 0) {
        exchange_set_events(x, &body, NULL);
    } else if (strcmp(path, "/file") == 0) {
        exchange_begin(x, 200, "text/plain", 4);
        exchange_send_file(x, file_of("0123456789"), 3, 4);
    } else if (strcmp(path, "/short-file") == 0) {
        exchange_set_events(x, &events, NULL);
        exchange_begin(x, 200, "text/plain", 400);
        exchange_send_file(x, file_of("0123456789"), 3, 400);
    } else if (strcmp(path, "/take-over") == 0) {
        exchange_set_events(x, &events, NULL);
        seen.fd = exchange_take_over(x, &seen.rest, &seen.rest_len);
    } else {
        exchange_reply_empty(x, 404);
    }
}

static int fd;
static struct buf got = BUF_INIT(64 << 20);

static void start(void) {
    memset(&seen, 0, sizeof(seen));
    test_server_start(serve, NULL, true, false);
    fd = client_connect();
}

static void start_tcp(void) {
    memset(&seen, 0, sizeof(seen));
    test_server_start(serve, NULL, true, true);
    fd = client_connect();
}

static void stop(void) {
    close_fd(&fd);
    test_server_stop();
    buf_free(&got);
}

static size_t count(const char *needle) {
    size_t n = 0;
    for (const char *at = got.data; (at = strstr(at, needle)); at++)
        n++;
    return n;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: test\r\n\r\n"

/* From here on the connection has been accepted, and is idle. */
static void greet(void) {
    client_send(fd, GET("/hello"));
    client_wait(fd, &got, "hello");
    buf_consume(&got, got.len);
}

/* ---- one connection, many requests ---- */

START_TEST(keeps_the_connection) {
    for (int i = 0; i < 3; i++) {
        client_send(fd, GET("/hello"));
        client_wait(fd, &got, "\r\n\r\nhello");
        ck_assert_ptr_nonnull(strstr(got.data, "HTTP/1.1 200 OK\r\n"));
        ck_assert_ptr_nonnull(strstr(got.data, "Content-Length: 5\r\n"));
        buf_consume(&got, got.len);
    }
    client_send(fd, "GET /hello HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    client_wait_end(fd, &got);
    ck_assert_ptr_nonnull(strstr(got.data, "Connection: close\r\n"));
}
END_TEST

START_TEST(answers_pipelined_requests_in_order) {
    client_send(fd, GET("/hello") "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc"
                                  "POST /hello HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nzz"
                                  "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked"
                                  "\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n" GET("/nothing"));
    client_wait(fd, &got, "404");
    const char *abc = strstr(got.data, "\r\n\r\nabc"), *def = strstr(got.data, "\r\n\r\ndef");
    ck_assert(abc && def && abc < def);
    ck_assert_uint_eq(count("200 OK"), 4);
    ck_assert_uint_eq(count("\r\n\r\nhello"), 2);
}
END_TEST

START_TEST(serves_what_came_behind_a_body_that_nobody_read) {
    client_send(fd, "POST /wait HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc" GET("/hello"));
    settle();
    exchange_reply_empty(seen.x, 404);
    client_wait(fd, &got, "\r\n\r\nhello");
}
END_TEST

START_TEST(takes_a_request_byte_by_byte) {
    static const char text[] =
        "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3;x=y\r\nabc\r\n0\r\nTrailer: t\r\n\r\n";
    for (const char *at = text; *at; at++)
        client_send_bytes(fd, at, 1);
    client_wait(fd, &got, "\r\n\r\nabc");
}
END_TEST

START_TEST(speaks_to_older_clients) {
    client_send(fd, "GET /stream HTTP/1.0\r\n\r\n");
    client_wait(fd, &got, "first");
    ck_assert_ptr_null(strstr(got.data, "chunked"));
    exchange_end(seen.x);
    client_wait_end(fd, &got);
}
END_TEST

START_TEST(answers_head_without_body) {
    client_send(fd, "HEAD /hello HTTP/1.1\r\nHost: t\r\n\r\n" GET("/hello"));
    client_wait(fd, &got, "\r\n\r\nhello");
    ck_assert_uint_eq(count("Content-Length: 5"), 2);
    ck_assert_uint_eq(count("hello"), 1);
}
END_TEST

START_TEST(asks_for_a_body_that_is_held_back) {
    client_send(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
                    "Content-Length: 3\r\n\r\n");
    client_wait(fd, &got, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(fd, "abc");
    client_wait(fd, &got, "\r\n\r\nabc");
}
END_TEST

/* ---- limits ---- */

static void expect_refusal(const char *status) {
    client_wait_end(fd, &got);
    ck_assert_msg(strncmp(got.data + 9, status, 3) == 0, "%s", got.data);
    ck_assert_ptr_nonnull(strstr(got.data, "Content-Type: application/json; charset=utf-8\r\n"));
    ck_assert_ptr_nonnull(strstr(got.data, "{\"code\":"));
    ck_assert_ptr_nonnull(strstr(got.data, "Connection: close\r\n"));
}

START_TEST(refuses_nonsense) {
    static const char *const requests[] = {
        "hello\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", /* no Host */
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET nowhere HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    };
    client_send(fd, requests[_i]);
    expect_refusal("400");
}
END_TEST

START_TEST(refuses_too_many_headers) {
    client_send(fd, "GET / HTTP/1.1\r\nHost: t\r\n");
    for (int i = 0; i < 200; i++)
        client_send(fd, "A: b\r\n");
    client_send(fd, "\r\n");
    expect_refusal("431");
}
END_TEST

START_TEST(refuses_an_endless_head) {
    static char line[70 << 10];
    memset(line, 'a', sizeof(line) - 1);
    client_send(fd, "GET / HTTP/1.1\r\nHost: ");
    client_send(fd, line);
    expect_refusal("431");
}
END_TEST

START_TEST(refuses_a_long_target) {
    static char path[17 << 10];
    memset(path, 'a', sizeof(path) - 1);
    client_send(fd, "GET /");
    client_send(fd, path);
    client_send(fd, " HTTP/1.1\r\nHost: t\r\n\r\n");
    expect_refusal("414");
}
END_TEST

START_TEST(refuses_a_body_that_says_it_is_large) {
    client_send(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 20000000\r\n\r\n");
    expect_refusal("413");
}
END_TEST

/* The answer must get through although the client is still sending. */
START_TEST(refuses_a_body_that_grows_large) {
    static char chunk[0x4000 + 1];
    memset(chunk, 'x', sizeof(chunk) - 1);
    client_send(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 20; i++) {
        client_send(fd, "4000\r\n");
        client_send(fd, chunk);
        client_send(fd, "\r\n");
    }
    expect_refusal("413");
}
END_TEST

START_TEST(gives_up_on_half_a_request) {
    greet();
    test_server->patience.head_ms = 10;
    client_send(fd, "GET / HT");
    expect_refusal("408");
}
END_TEST

START_TEST(gives_up_on_half_a_body) {
    test_server->patience.body_ms = 10;
    client_send(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\na");
    expect_refusal("408");
}
END_TEST

START_TEST(closes_an_idle_connection) {
    greet();
    test_server->patience.idle_ms = 10;
    client_send(fd, GET("/hello"));
    client_wait_end(fd, &got);
    ck_assert_uint_eq(count("200 OK"), 1);
}
END_TEST

START_TEST(survives_without_descriptors) {
    struct rlimit limit, tight;
    static int filled[128];
    size_t count = 0;
    greet();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    tight = limit;
    tight.rlim_cur = (rlim_t)ARRAY_LEN(filled);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
    for (int n; (n = dup(fd)) >= 0;)
        filled[count++] = n;
    close(filled[--count]);
    for (int64_t until = clock_mono_ms() + 200; clock_mono_ms() < until;)
        uv_run(&test_loop, UV_RUN_NOWAIT); /* it comes between two ticks */
    int refused = client_connect();        /* takes the last one */
    const int64_t began = clock_mono_ms();
    client_wait_end(refused, &got);
    ck_assert_int_eq(strncmp(got.data, "HTTP/1.1 503 ", 13), 0);
    ck_assert_int_ge(clock_mono_ms() - began, 990); /* it had the time to ask */
    buf_consume(&got, got.len);
    client_send(fd, GET("/hello")); /* those who are here are served */
    client_wait(fd, &got, "hello");
    while (count)
        close(filled[--count]);
    buf_consume(&got, got.len);
    close(refused);
    refused = client_connect();
    client_send(refused, GET("/hello"));
    client_wait(refused, &got, "hello");
    close(refused);
    setrlimit(RLIMIT_NOFILE, &limit);
}
END_TEST

/* ---- slow peers ---- */

START_TEST(stops_the_writer_of_a_slow_reader) {
    client_send(fd, GET("/flood"));
    wait_for(&seen.begun);
    settle();
    ck_assert_uint_lt(seen.written, 2 << 20); /* our buffer and the socket's */
    client_wait(fd, &got, "\r\n0\r\n\r\n");
    ck_assert_uint_gt(got.len, STREAM_BYTES);
    ck_assert_uint_eq(seen.written, STREAM_BYTES);
    ck_assert(seen.closed && !seen.broken);
}
END_TEST

START_TEST(stops_the_sender_of_a_slow_handler) {
    static const char zeros[1 << 20];
    size_t sent = 0;
    seen.hold = true;
    client_send(fd, "POST /slow-body HTTP/1.1\r\nHost: t\r\nContent-Length: 10485760\r\n\r\n");
    for (int i = 0; i < 1000; i++) {
        ssize_t n = send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        uv_run(&test_loop, UV_RUN_NOWAIT);
    }
    ck_assert_uint_lt(sent, 2 << 20);
    seen.hold = false;
    exchange_read_more(seen.x);
    while (sent < 10485760) {
        size_t part = MIN(sizeof(zeros), 10485760 - sent);
        client_send_bytes(fd, zeros, part);
        sent += part;
    }
    client_wait(fd, &got, "took 10485760");
}
END_TEST

/* ---- those who leave ---- */

START_TEST(notices_who_leaves) {
    client_send(fd, _i == 0 ? GET("/wait") : _i == 1 ? GET("/stream") : GET("/flood"));
    wait_for(&seen.begun);
    settle();
    ck_assert(!seen.closed);
    close_fd(&fd);
    wait_for(&seen.closed);
    ck_assert(seen.broken);
    ck_assert_uint_eq(http_server_exchanges(test_server), 0);
}
END_TEST

START_TEST(notices_who_leaves_in_the_middle_of_a_body) {
    client_send(fd, "POST /slow-body HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nabc");
    wait_for(&seen.begun);
    close_fd(&fd);
    wait_for(&seen.closed);
    ck_assert(seen.broken);
    ck_assert(!seen.body_ended);
}
END_TEST

START_TEST(answers_who_only_listens_any_more) {
    client_send(fd, GET("/wait"));
    wait_for(&seen.begun);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    settle();
    ck_assert(!seen.closed);
    exchange_reply(seen.x, 200, "text/plain", "late", 4);
    client_wait_end(fd, &got);
    ck_assert_ptr_nonnull(strstr(got.data, "\r\n\r\nlate"));
    ck_assert(seen.closed && !seen.broken);
}
END_TEST

START_TEST(breaks_off) {
    client_send(fd, GET("/stream"));
    client_wait(fd, &got, "first");
    exchange_abort(seen.x);
    client_wait_end(fd, &got);
    ck_assert_ptr_null(strstr(got.data, "0\r\n\r\n"));
    ck_assert(seen.closed && seen.broken);
}
END_TEST

/* ---- files, other protocols, the end ---- */

START_TEST(sends_a_part_of_a_file) {
    client_send(fd, GET("/file") GET("/hello"));
    client_wait(fd, &got, "\r\n\r\nhello");
    ck_assert_ptr_nonnull(strstr(got.data, "\r\n\r\n3456HTTP/1.1"));
}
END_TEST

START_TEST(breaks_off_when_a_file_is_too_short) {
    client_send(fd, GET("/short-file"));
    client_wait_end(fd, &got);
    ck_assert_ptr_nonnull(strstr(got.data, "\r\n\r\n3456789"));
    ck_assert(seen.closed && seen.broken);
}
END_TEST

START_TEST(hands_the_socket_over) {
    char text[8] = "";
    client_send(fd, GET("/take-over") "rest");
    wait_for(&seen.closed);
    ck_assert(!seen.broken);
    ck_assert_int_ge(seen.fd, 0);
    ck_assert_uint_eq(seen.rest_len, 4);
    ck_assert_mem_eq(seen.rest, "rest", 4);
    free(seen.rest);
    settle(); /* the connection is gone, the socket is not */
    ck_assert_int_eq(write(seen.fd, "mine", 4), 4);
    client_wait(fd, &got, "mine");
    client_send(fd, "yours");
    struct pollfd ready = {.fd = seen.fd, .events = POLLIN};
    ck_assert_int_eq(poll(&ready, 1, -1), 1);
    ck_assert_int_eq(read(seen.fd, text, sizeof(text)), 5);
    close(seen.fd);
}
END_TEST

static bool server_stopped;

static void on_server_stopped(void *ctx) {
    (void)ctx;
    server_stopped = true;
}

START_TEST(lets_requests_end_when_it_stops) {
    struct buf none = BUF_INIT(1 << 20);
    start();
    int idle = client_connect();
    client_send(fd, GET("/wait"));
    wait_for(&seen.begun);
    client_send(idle, GET("/hello"));
    client_wait(idle, &none, "hello");
    server_stopped = false;
    http_server_stop(test_server, 60000, on_server_stopped, NULL);
    client_wait_end(idle, &none);
    close(idle);
    settle();
    ck_assert(!server_stopped && !seen.closed);
    exchange_reply(seen.x, 200, "text/plain", "late", 4);
    client_wait_end(fd, &got);
    ck_assert_ptr_nonnull(strstr(got.data, "\r\n\r\nlate"));
    close_fd(&fd);
    wait_for(&server_stopped);
    ck_assert_int_eq(uv_loop_close(&test_loop), 0);
    buf_free(&none);
    buf_free(&got);
}
END_TEST

int main(void) {
    TCase *unix_socket = tcase_create("unix"), *tcp = tcase_create("tcp"),
          *bare = tcase_create("stop");
    TCase *both[] = {unix_socket, tcp};
    tcase_add_checked_fixture(unix_socket, start, stop);
    tcase_add_checked_fixture(tcp, start_tcp, stop);
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        tcase_add_test(both[i], keeps_the_connection);
        tcase_add_test(both[i], answers_pipelined_requests_in_order);
        tcase_add_test(both[i], serves_what_came_behind_a_body_that_nobody_read);
        tcase_add_test(both[i], takes_a_request_byte_by_byte);
        tcase_add_test(both[i], speaks_to_older_clients);
        tcase_add_test(both[i], answers_head_without_body);
        tcase_add_test(both[i], asks_for_a_body_that_is_held_back);
        tcase_add_loop_test(both[i], refuses_nonsense, 0, 7);
        tcase_add_test(both[i], refuses_too_many_headers);
        tcase_add_test(both[i], refuses_an_endless_head);
        tcase_add_test(both[i], refuses_a_long_target);
        tcase_add_test(both[i], refuses_a_body_that_says_it_is_large);
        tcase_add_test(both[i], refuses_a_body_that_grows_large);
        tcase_add_test(both[i], notices_who_leaves_in_the_middle_of_a_body);
        tcase_add_test(both[i], answers_who_only_listens_any_more);
        tcase_add_test(both[i], breaks_off);
        tcase_add_test(both[i], sends_a_part_of_a_file);
        tcase_add_test(both[i], breaks_off_when_a_file_is_too_short);
        tcase_add_test(both[i], hands_the_socket_over);
    }
    tcase_add_loop_test(unix_socket, notices_who_leaves, 0, 3);
    tcase_add_loop_test(tcp, notices_who_leaves, 1, 3);
    tcase_add_test(unix_socket, gives_up_on_half_a_request);
    tcase_add_test(unix_socket, gives_up_on_half_a_body);
    tcase_add_test(unix_socket, closes_an_idle_connection);
    tcase_add_test(unix_socket, survives_without_descriptors);
    tcase_add_test(unix_socket, stops_the_writer_of_a_slow_reader);
    tcase_add_test(unix_socket, stops_the_sender_of_a_slow_handler);
    tcase_add_test(bare, lets_requests_end_when_it_stops);
    return unit_run("http_server", unix_socket, tcp, bare);
}
