/* SPDX-License-Identifier: Apache-2.0
 *
 * Routes: which row a request finds, what is answered when none fits, keys and JSON bodies, query
 * parameters.
 */
#include "tests/unit/http_fixture.h"

#include "backend/http/query.h"
#include "backend/http/route.h"

#include <stdio.h>
#include <string.h>

#define KEY "e2b_0123456789012345678901234567890123456789"

static void reply_text(struct call *call, const char *text) {
    exchange_reply(call->x, 200, "text/plain", text, strlen(text));
}

static void say_list(struct call *call) {
    reply_text(call, "list");
}

static void say_params(struct call *call) {
    char text[256];
    snprintf(text, sizeof(text), "[%s][%s]", call->params[0],
             call->params[1] ? call->params[1] : "");
    reply_text(call, text);
}

static void say_json(struct call *call) {
    cleanup_free char *text = call->json ? json_dumps(call->json, JSON_COMPACT) : NULL;
    reply_text(call, text ? text : "nothing");
}

static void say_query(struct call *call) {
    struct error err = ERROR_INIT;
    char text[256];
    const char *first = exchange_param(call->x, "a b", 0, &err);
    const char *second = exchange_param(call->x, "a b", 1, &err);
    if (err.kind) {
        exchange_reply_error(call->x, &err);
        return;
    }
    snprintf(text, sizeof(text), "<%s><%s>", first ? first : "none", second ? second : "none");
    reply_text(call, text);
}

static const struct route first_table[] = {
    {"GET", "/things/{id}", 0, say_params},
    {"DELETE", "/things/{id}", 0, say_params},
    {"POST", "/things/{id}/parts/{part}", ROUTE_JSON, say_json},
    {"GET", "/open", ROUTE_OPEN, say_list},
    {0},
};
static const struct route second_table[] = {
    {"GET", "/things/all", 0, say_list},
    {"GET", "/things/{id}/parts/{part}", 0, say_params},
    {"POST", "/maybe", ROUTE_JSON_MAY, say_json},
    {"GET", "/query", 0, say_query},
    {0},
};
static const struct route *const tables[] = {first_table, second_table};

static bool check_key(void *ctx, const char *key, bool is_bearer) {
    ck_assert_ptr_null(ctx);
    return strcmp(key, KEY) == 0 || (is_bearer && strcmp(key, "sk_" KEY) == 0);
}

static const struct router router = {.tables = tables, .table_count = 2, .check_key = check_key};

static int fd;
static struct buf got = BUF_INIT(1 << 20);

static void serve(void *ctx, struct exchange *x) {
    router_serve(ctx, x);
}

static void start_trusted(void) {
    test_server_start(serve, (void *)(uintptr_t)&router, true, false);
    fd = client_connect();
}

static void start_untrusted(void) {
    test_server_start(serve, (void *)(uintptr_t)&router, false, true);
    fd = client_connect();
}

static void stop(void) {
    close_fd(&fd);
    test_server_stop();
    buf_free(&got);
}

/* Sends a request and a second one to a known path, whose answer shows that the first is over. */
static const char *ask(const char *line, const char *headers, const char *body) {
    char head[1024];
    buf_consume(&got, got.len);
    snprintf(head, sizeof(head), "%s HTTP/1.1\r\nHost: t\r\n%sContent-Length: %zu\r\n\r\n%s", line,
             headers, strlen(body), body);
    client_send(fd, head);
    client_send(fd, "GET /open HTTP/1.1\r\nHost: t\r\n\r\n");
    return client_wait(fd, &got, "\r\n\r\nlist");
}

static void expect(const char *answer, const char *text) {
    ck_assert_msg(strstr(answer, text) != NULL, "no '%s' in: %s", text, answer);
}

START_TEST(finds_the_row) {
    static const struct {
        const char *line, *answer;
    } cases[] = {
        {"GET /things/all", "\r\n\r\nlistHTTP"},
        {"GET /things/alle", "[alle][]"},
        {"GET /things/team%2Fname:tag?x=y", "[team/name:tag][]"},
        {"GET /things/a%20b/parts/c+d", "[a b][c+d]"},
        {"GET http://elsewhere:80/things/x", "[x][]"},
        {"HEAD /things/x", "Content-Length: 5\r\n\r\nHTTP/1.1 200 OK"},
        {"GET /things/", "404 Not Found"},
        {"GET /things/a/", "404 Not Found"},
        {"GET /things", "404 Not Found"},
        {"GET /Things/all", "404 Not Found"},
        {"GET /things/a%zz", "400 Bad Request"},
        {"GET /things/a%00b", "400 Bad Request"},
        {"PUT /things/a", "405 Method Not Allowed"},
        {"PUT /things/a", "Allow: GET, DELETE\r\n"},
        {"OPTIONS /things/a", "204 No Content"},
        {"OPTIONS /things/a", "Access-Control-Allow-Methods: GET, DELETE\r\n"},
        {"OPTIONS /nowhere", "404 Not Found"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect(ask(cases[i].line, "", ""), cases[i].answer);
}
END_TEST

START_TEST(parses_bodies) {
    expect(ask("POST /things/a/parts/b", "", "{\"x\": [1]}"), "{\"x\":[1]}");
    expect(ask("POST /things/a/parts/b", "", ""), "Error when parsing request: the body is empty");
    expect(ask("POST /things/a/parts/b", "", "{\"x\""), "Error when parsing request: ");
    expect(ask("POST /things/a/parts/b", "", "[]"), "Error when parsing request: ");
    expect(ask("POST /maybe", "", ""), "nothing");
    expect(ask("POST /maybe", "", "{}"), "{}");
    expect(ask("POST /maybe", "", "1"), "400 Bad Request");
}
END_TEST

START_TEST(decodes_the_query) {
    expect(ask("GET /query?x=1&a+b=c%26d&a%20b=e+f", "", ""), "<c&d><e f>");
    expect(ask("GET /query?a+b", "", ""), "<><none>");
    expect(ask("GET /query?&&", "", ""), "<none><none>");
    expect(ask("GET /query?a+b=%4", "", ""), "400 Bad Request");
    expect(ask("GET /query?a+b=%00", "", ""), "400 Bad Request");
}
END_TEST

START_TEST(asks_for_the_key) {
    static const char missing[] = "\"message\":\"authorization header is missing\"";
    expect(ask("GET /things/a", "", ""), missing);
    expect(ask("GET /things/a", "", ""), "401 Unauthorized");
    expect(ask("GET /things/a", "Authorization: Basic eDp5\r\n", ""), "is malformed");
    expect(ask("GET /things/a", "X-API-KEY: e2b_0\r\n", ""), "Invalid API key");
    expect(ask("GET /things/a", "X-Api-Key: " KEY "\r\n", ""), "[a][]");
    expect(ask("GET /things/a", "Authorization: Bearer " KEY "\r\n", ""), "[a][]");
    expect(ask("GET /things/a", "Authorization: Bearer sk_" KEY "\r\n", ""), "[a][]");
    expect(ask("GET /things/a", "X-API-KEY: sk_" KEY "\r\n", ""), "Invalid API key");
    expect(ask("OPTIONS /things/a", "", ""), "204 No Content");
}
END_TEST

START_TEST(decodes_only_what_is_encoded_well) {
    static const struct {
        const char *text, *plain; /* NULL: refused */
        bool plus;
    } cases[] = {
        {"", "", false},      {"a+b", "a+b", false},
        {"a+b", "a b", true}, {"%41%6a%6A", "Ajj", false},
        {"%", NULL, false},   {"%4", NULL, false},
        {"%4g", NULL, false}, {"%00", NULL, false},
        {"100%", NULL, true}, {"%25", "%", false},
        {"%2B", "+", true},   {"a%e2%82%ac", "a\xe2\x82\xac", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[32];
        struct slice text = {cases[i].text, strlen(cases[i].text)};
        ck_assert_int_eq(query_decode(text, out, cases[i].plus), cases[i].plain != NULL);
        if (cases[i].plain)
            ck_assert_str_eq(out, cases[i].plain);
    }
}
END_TEST

int main(void) {
    TCase *trusted = tcase_create("trusted"), *untrusted = tcase_create("untrusted"),
          *pure = tcase_create("pure");
    tcase_add_checked_fixture(trusted, start_trusted, stop);
    tcase_add_test(trusted, finds_the_row);
    tcase_add_test(trusted, parses_bodies);
    tcase_add_test(trusted, decodes_the_query);
    tcase_add_checked_fixture(untrusted, start_untrusted, stop);
    tcase_add_test(untrusted, asks_for_the_key);
    tcase_add_test(pure, decodes_only_what_is_encoded_well);
    return unit_run("http_route", trusted, untrusted, pure);
}
