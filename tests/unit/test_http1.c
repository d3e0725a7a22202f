/* SPDX-License-Identifier: Apache-2.0
 *
 * common/http1: what is accepted, what is refused because two parties could disagree about it, and
 * that the same bytes mean the same however they are cut into pieces.
 */
#include "common/http1.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct http1_head head;

static enum http1_result request(const char *text, size_t *used) {
    return http1_parse_request(text, strlen(text), &head, used);
}

START_TEST(reads_a_request) {
    const char *text =
        "POST /files?path=%2Fa HTTP/1.1\r\nHost: x\r\nContent-Length:  12 \r\n\r\nrest";
    size_t used = 0;
    ck_assert_int_eq(request(text, &used), HTTP1_OK);
    ck_assert_uint_eq(used, strlen(text) - 4);
    ck_assert(slice_is(head.method, "POST"));
    ck_assert(slice_is(head.target, "/files?path=%2Fa"));
    ck_assert_int_eq(head.minor, 1);
    ck_assert(head.keep_alive && head.has_length && !head.chunked);
    ck_assert_uint_eq(head.length, 12);
    ck_assert(slice_is(*http1_find(&head, "HOST"), "x"));
    ck_assert_ptr_null(http1_find(&head, "Hos"));
}
END_TEST

START_TEST(reads_a_response) {
    const char *text = "HTTP/1.0 502 Bad Gateway\nTransfer-Encoding2: x\n\n";
    size_t used = 0;
    ck_assert_int_eq(http1_parse_response(text, strlen(text), &head, &used), HTTP1_OK);
    ck_assert_int_eq(head.status, 502);
    ck_assert(slice_is(head.reason, "Bad Gateway"));
    ck_assert(!head.keep_alive && !head.chunked);
}
END_TEST

/* A head that is cut anywhere is incomplete, never wrong. */
START_TEST(waits_for_the_whole_head) {
    const char *text = "GET / HTTP/1.1\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n";
    size_t used = 0;
    for (size_t len = 0; len < strlen(text); len++)
        ck_assert_int_eq(http1_parse_request(text, len, &head, &used), HTTP1_MORE);
    ck_assert_int_eq(request(text, &used), HTTP1_OK);
    ck_assert(head.chunked);
}
END_TEST

static const char *const bad_requests[] = {
    "\r\n\r\n",
    "GET /\r\n\r\n",
    "GET / HTTP/2.0\r\n\r\n",
    "GET / HTTP/1.2\r\n\r\n",
    "GET / HTTP/1.1 \r\n\r\n",
    "GET  / HTTP/1.1\r\n\r\n",
    "G\tT / HTTP/1.1\r\n\r\n",
    "GET /\x01 HTTP/1.1\r\n\r\n",
    " GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nNo colon\r\n\r\n",
    "GET / HTTP/1.1\r\nName : x\r\n\r\n",
    "GET / HTTP/1.1\r\n: x\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\r\n\r\n",
    "GET / HTTP/1.1\r\nA: \x7f\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 0x5\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
};

START_TEST(refuses_what_is_ambiguous) {
    size_t used;
    ck_assert_msg(request(bad_requests[_i], &used) == HTTP1_BAD, "accepted: %s", bad_requests[_i]);
}
END_TEST

static const struct {
    const char *headers;
    bool keep_alive, upgrade, expects;
} connections[] = {
    {"", true, false, false},
    {"Connection: close\r\n", false, false, false},
    {"Connection: Keep-Alive\r\n", true, false, false},
    {"Connection: keep-alive, close\r\n", false, false, false},
    {"Connection: Upgrade\r\nUpgrade: websocket\r\n", true, true, false},
    {"Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\n", true, true, false},
    {"Upgrade: websocket\r\n", true, false, false},
    {"Connection: upgrade\r\n", true, false, false},
    {"Connection: upgraded\r\nUpgrade: websocket\r\n", true, false, false},
    {"Expect: 100-Continue\r\n", true, false, true},
};

START_TEST(understands_the_connection) {
    char text[256];
    size_t used;
    snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n", connections[_i].headers);
    ck_assert_int_eq(request(text, &used), HTTP1_OK);
    ck_assert_int_eq(head.keep_alive, connections[_i].keep_alive);
    ck_assert_int_eq(head.upgrade, connections[_i].upgrade);
    ck_assert_int_eq(head.expect_continue, connections[_i].expects);
}
END_TEST

START_TEST(bounds_the_number_of_headers) {
    static char text[HTTP1_MAX_HEADERS * 8 + 64];
    size_t used, len = (size_t)sprintf(text, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < HTTP1_MAX_HEADERS; i++)
        len += (size_t)sprintf(text + len, "A: b\r\n");
    strcpy(text + len, "\r\n");
    ck_assert_int_eq(request(text, &used), HTTP1_OK);
    strcpy(text + len, "A: b\r\n\r\n");
    ck_assert_int_eq(request(text, &used), HTTP1_TOO_LARGE);
}
END_TEST

START_TEST(bounds_the_size_of_the_head) {
    static char text[HTTP1_MAX_HEAD + 1];
    size_t used;
    memset(text, 'a', HTTP1_MAX_HEAD);
    ck_assert_int_eq(http1_parse_request(text, HTTP1_MAX_HEAD - 1, &head, &used), HTTP1_MORE);
    ck_assert_int_eq(http1_parse_request(text, HTTP1_MAX_HEAD, &head, &used), HTTP1_TOO_LARGE);
}
END_TEST

/* Feeds `body` in pieces of `step` bytes; *left is what was not used. */
static enum http1_result unchunk(const char *body, size_t len, size_t step, char *out,
                                 size_t *out_len, size_t *left) {
    struct http1_chunks chunks = {0};
    enum http1_result result = HTTP1_MORE;
    size_t at = 0;
    *out_len = 0;
    while (result == HTTP1_MORE && at < len) {
        size_t used;
        struct slice data;
        result = http1_chunks_next(&chunks, body + at, MIN(step, len - at), &used, &data);
        if (result == HTTP1_BAD)
            return result;
        memcpy(out + *out_len, data.at, data.len);
        *out_len += data.len;
        at += used;
    }
    *left = len - at;
    return result;
}

START_TEST(joins_chunks_however_they_are_cut) {
    const char *body = "5;name=value\r\nhello\r\nA \r\n, world!!!\r\n0\r\nTrailer: x\r\n\r\nGET /";
    for (size_t step = 1; step <= strlen(body); step++) {
        char out[64];
        size_t len, left;
        ck_assert_int_eq(unchunk(body, strlen(body), step, out, &len, &left), HTTP1_OK);
        ck_assert_uint_eq(len, 15);
        ck_assert_mem_eq(out, "hello, world!!!", len);
        ck_assert_uint_eq(left, 5);
    }
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
} bad_chunks[] = {
#define BYTES(text)                                                                                \
    { text, sizeof(text) - 1 }
    BYTES("\r\n"),
    BYTES("g\r\n"),
    BYTES("-1\r\n"),
    BYTES("0x5\r\nhello\r\n"),
    BYTES(" 5\r\nhello\r\n"),
    BYTES("5\nhello\r\n"),
    BYTES("5\0\r\nhello\r\n"),
    BYTES("5;a\nhello\r\n"),
    BYTES("5;a\rb\r\nhello\r\n"),
    BYTES("5\r\nhelloX\r\n"),
    BYTES("5\r\nhello\n"),
    BYTES("5\r\nhello\r\r\n"),
    BYTES("ffffffffffffffff\r\n"),
    BYTES("00000000000000000000005\r\nhello\r\n"),
#undef BYTES
};

START_TEST(refuses_bad_chunks) {
    for (size_t step = 1; step <= 32; step++) {
        char out[64];
        size_t len, left;
        ck_assert_int_eq(unchunk(bad_chunks[_i].bytes, bad_chunks[_i].len, step, out, &len, &left),
                         HTTP1_BAD);
    }
}
END_TEST

START_TEST(bounds_chunk_lines) {
    static char text[8192];
    static char out[sizeof(text)];
    size_t len, left;
    memset(text, 'x', sizeof(text));
    memcpy(text, "5;", 2);
    ck_assert_int_eq(unchunk(text, sizeof(text), sizeof(text), out, &len, &left), HTTP1_BAD);
    memset(text, 'x', sizeof(text));
    memcpy(text, "0\r\n", 3);
    ck_assert_int_eq(unchunk(text, sizeof(text), sizeof(text), out, &len, &left), HTTP1_BAD);
}
END_TEST

START_TEST(finds_tokens_in_lists) {
    struct slice list = {"a , keep-alive,,Upgrade", 23};
    ck_assert(http1_has_token(list, "A"));
    ck_assert(http1_has_token(list, "keep-alive"));
    ck_assert(http1_has_token(list, "upgrade"));
    ck_assert(!http1_has_token(list, "keep"));
    ck_assert(!http1_has_token((struct slice){"", 0}, "x"));
}
END_TEST

int main(void) {
    TCase *all = tcase_create("http1");
    tcase_add_test(all, reads_a_request);
    tcase_add_test(all, reads_a_response);
    tcase_add_test(all, waits_for_the_whole_head);
    tcase_add_loop_test(all, refuses_what_is_ambiguous, 0, (int)ARRAY_LEN(bad_requests));
    tcase_add_loop_test(all, understands_the_connection, 0, (int)ARRAY_LEN(connections));
    tcase_add_test(all, bounds_the_number_of_headers);
    tcase_add_test(all, bounds_the_size_of_the_head);
    tcase_add_test(all, joins_chunks_however_they_are_cut);
    tcase_add_loop_test(all, refuses_bad_chunks, 0, (int)ARRAY_LEN(bad_chunks));
    tcase_add_test(all, bounds_chunk_lines);
    tcase_add_test(all, finds_tokens_in_lists);
    return unit_run("http1", all);
}
