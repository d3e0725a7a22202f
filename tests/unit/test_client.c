/* SPDX-License-Identifier: Apache-2.0
 *
 * client/ over the Unix socket, against backends that answer what each test says: well, badly, in
 * pieces, or by leaving.
 */
#include "client/client.h"
#include "common/io.h"
#include "common/paths.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct target local = {.kind = TARGET_LOCAL};
static pid_t server;
static char home[] = "/tmp/e2b-client.XXXXXX";

/* One connection after the other, one answer each; a request ends where its head does. An answer
 * of "" closes without a word, with the request unread if `unread`. */
struct script {
    const char *const *answers; /* NULL-terminated */
    bool unread;
    bool keep; /* all answers on one connection */
    bool slow; /* a byte at a time */
};

static void read_head(int sock) {
    char seen[4] = "";
    while (memcmp(seen, "\r\n\r\n", 4) != 0) {
        memmove(seen, seen + 1, 3);
        if (read(sock, seen + 3, 1) != 1)
            _exit(0);
    }
}

static void answer(int sock, const char *text, const struct script *script) {
    size_t len = strlen(text);
    if (!script->slow) {
        io_write_all(sock, text, len);
        return;
    }
    for (size_t i = 0; i < len; i++)
        io_write_all(sock, text + i, 1);
}

static void serve(int listener, const struct script *script) {
    int sock = -1;
    for (const char *const *text = script->answers; *text; text++) {
        if (!script->keep || sock < 0) {
            close_fd(&sock);
            sock = accept(listener, NULL, NULL);
        }
        if (!script->unread || **text)
            read_head(sock);
        answer(sock, *text, script);
    }
    close_fd(&sock);
    _exit(0);
}

static void start(struct script script) {
    struct error err;
    struct paths paths;
    ck_assert(paths_find(&paths, &err) && paths_create(&paths, &err));
    int dir = open(paths.runtime, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int listener = io_unix_listen(dir, PATHS_SOCKET, SOCK_STREAM, &err);
    ck_assert_msg(listener >= 0, "%s", err.message);
    server = fork();
    if (server == 0)
        serve(listener, &script);
    close(listener);
    close(dir);
}

static void setup(void) {
    strcpy(home + sizeof(home) - 7, "XXXXXX");
    ck_assert(mkdtemp(home));
    setenv("E2B_HOME", home, 1);
    signal(SIGPIPE, SIG_IGN);
}

static void teardown(void) {
    char command[256];
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    server = 0;
    snprintf(command, sizeof(command), "%s/run/e2b.sock", home);
    unlink(command);
    snprintf(command, sizeof(command), "%s/run", home);
    rmdir(command);
    rmdir(home);
}

static bool get(struct client *client, struct response *response, struct error *err) {
    return client_call(client, "GET", "/sandboxes", NULL, response, err);
}

static struct client *open_client(void) {
    struct error err;
    struct client *client = client_open(&local, false, &err);
    ck_assert_msg(client, "%s", client ? "" : err.message);
    return client;
}

/* What one call makes of one answer. */
static void check_answer(const char *text, bool slow, enum error_kind kind, const char *said) {
    const char *const answers[] = {text, NULL};
    struct response response;
    struct error err = ERROR_INIT;
    start((struct script){.answers = answers, .slow = slow});
    struct client *client = open_client();
    bool ok = get(client, &response, &err);
    ck_assert_msg(ok == (kind == ERR_NONE), "%s: %s", text, err.message);
    if (!ok) {
        ck_assert_int_eq(err.kind, kind);
        ck_assert_msg(strstr(err.message, said), "%s: %s", text, err.message);
    } else if (said) {
        char *json = json_dumps(response.json, JSON_COMPACT);
        ck_assert_str_eq(json, said);
        free(json);
    } else {
        ck_assert_ptr_null(response.json);
    }
    response_free(&response);
    client_close(client);
}

static const struct {
    const char *text;
    enum error_kind kind;
    const char *said;
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}", ERR_NONE, "{\"a\":1}"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n",
     ERR_NONE, "{\"a\":1}"},
    {"HTTP/1.1 200 OK\r\n\r\n[2]", ERR_NONE, "[2]"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", ERR_NONE, NULL},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 31\r\n\r\n{\"code\":404,\"message\":\"no such\"}",
     ERR_NOT_FOUND, "no such"},
    {"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n", ERR_CONFLICT, "HTTP 409"},
    {"HTTP/1.1 400 Bad\r\nContent-Length: "
     "40\r\n\r\n{\"code\":\"already_exists\",\"message\":\"hm\"}",
     ERR_CONFLICT, "hm"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{a}", ERR_INTERNAL, "no JSON"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", ERR_UNAVAILABLE, "in the middle"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ERR_INTERNAL, "nonsense"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", ERR_INTERNAL, "nonsense"},
    {"SSH-2.0-OpenSSH\r\n\r\n", ERR_INTERNAL, "nonsense"},
    {"HTTP/1.1 200 OK\r\nA: b", ERR_UNAVAILABLE, "in the middle"},
    {"", ERR_UNAVAILABLE, "without an answer"},
};

START_TEST(makes_of_every_answer_what_it_is) {
    check_answer(answers[_i].text, false, answers[_i].kind, answers[_i].said);
}
END_TEST

START_TEST(does_not_mind_how_answers_are_cut) {
    check_answer(answers[_i].text, true, answers[_i].kind, answers[_i].said);
}
END_TEST

START_TEST(bounds_a_head_that_does_not_end) {
    char *text = malloc(200000);
    memset(text, 'a', 199999);
    text[199999] = '\0';
    memcpy(text, "HTTP/1.1 200 OK\r\nA: ", 20);
    check_answer(text, false, ERR_INTERNAL, "nonsense");
    free(text);
}
END_TEST

START_TEST(sends_calls_over_one_connection) {
    static const char one[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    const char *const all[] = {one, one, one, NULL};
    struct error err = ERROR_INIT;
    start((struct script){.answers = all, .keep = true});
    struct client *client = open_client();
    for (int i = 0; i < 3; i++) {
        struct response response;
        ck_assert_msg(get(client, &response, &err), "%s", err.message);
        response_free(&response);
    }
    client_close(client);
}
END_TEST

START_TEST(sends_again_what_was_never_read) {
    const char *const all[] = {"", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", NULL};
    struct response response;
    struct error err = ERROR_INIT;
    start((struct script){.answers = all, .unread = true});
    struct client *client = open_client();
    ck_assert_msg(get(client, &response, &err), "%s", err.message);
    response_free(&response);
    client_close(client);
}
END_TEST

START_TEST(says_that_nothing_runs) {
    struct error err;
    ck_assert_ptr_null(client_open(&local, false, &err));
    ck_assert_int_eq(err.kind, ERR_UNAVAILABLE);
    ck_assert_str_eq(err.hint, "start it with `e2b local start`");
}
END_TEST

START_TEST(refuses_the_socket_of_somebody_else) {
    struct error err;
    const char *const none[] = {"", NULL};
    if (geteuid() != 0)
        return; /* only root can make one */
    start((struct script){.answers = none});
    ck_assert_int_eq(chmod(home, 0755), 0);
    char path[64];
    snprintf(path, sizeof(path), "%s/run", home);
    ck_assert_int_eq(chmod(path, 0755), 0);
    snprintf(path, sizeof(path), "%s/run/e2b.sock", home);
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_int_eq(seteuid(65534), 0);
    struct client *client = client_open(&local, true, &err);
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_ptr_null(client);
    ck_assert_int_eq(err.kind, ERR_FORBIDDEN);
    ck_assert_msg(strstr(err.message, "belongs to another user (uid 0)"), "%s", err.message);
}
END_TEST

START_TEST(encodes_what_a_url_cannot_hold) {
    char *encoded = client_encode("a b/c?é%~");
    ck_assert_str_eq(encoded, "a%20b%2Fc%3F%C3%A9%25~");
    free(encoded);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("client");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, makes_of_every_answer_what_it_is, 0, ARRAY_LEN(answers));
    tcase_add_loop_test(cases, does_not_mind_how_answers_are_cut, 0, ARRAY_LEN(answers));
    tcase_add_test(cases, bounds_a_head_that_does_not_end);
    tcase_add_test(cases, sends_calls_over_one_connection);
    tcase_add_test(cases, sends_again_what_was_never_read);
    tcase_add_test(cases, says_that_nothing_runs);
    tcase_add_test(cases, refuses_the_socket_of_somebody_else);
    tcase_add_test(cases, encodes_what_a_url_cannot_hold);
    return unit_run("client", cases);
}
