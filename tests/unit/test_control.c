/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's side of an agent's connection against agents that lie: whatever does not fit ends
 * the connection, once, and leaks no descriptor.
 */
#include "backend/runtime/control.h"
#include "common/io.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static uv_loop_t loop;
static struct control *control;
static int agent; /* the other end */
static unsigned hellos, failures, exits, losses, answers, unanswered;
static int32_t told_pid;

static void on_hello(void *ctx) {
    (void)ctx;
    hellos++;
}

static void on_failed(void *ctx, const struct agent_reply *reply) {
    (void)ctx;
    (void)reply;
    failures++;
}

static void on_exited(void *ctx, const struct agent_reply *reply) {
    (void)ctx;
    told_pid = reply->pid;
    exits++;
}

static void on_lost(void *ctx, const char *reason) {
    (void)ctx;
    ck_assert_ptr_nonnull(reason);
    losses++;
}

static void on_answer(void *ctx, struct control_reply *reply) {
    (void)ctx;
    if (reply)
        answers++;
    else
        unanswered++;
}

static void setup(void) {
    static const struct control_events events = {on_hello, on_failed, on_exited, on_lost};
    struct error err = ERROR_INIT;
    int pair[2];
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    agent = pair[1];
    control = control_start(&loop, pair[0], &events, NULL, &err);
    ck_assert_ptr_nonnull(control);
}

static void turn(void) {
    for (int i = 0; i < 8; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

static void teardown(void) {
    control_stop(control);
    turn();
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    close(agent);
}

static void say(const struct agent_reply *reply, const int *fds, size_t count) {
    struct agent_reply copy = *reply;
    copy.version = AGENT_PROTOCOL;
    ck_assert_int_eq(io_send_fds(agent, &copy, sizeof(copy), fds, count, 0), sizeof(copy));
    turn();
}

static void say_hello(void) {
    say(&(struct agent_reply){.type = AGENT_HELLO}, NULL, 0);
    ck_assert_uint_eq(hellos, 1);
}

static uint32_t ask(uint32_t type) {
    struct agent_request request = {.type = type};
    control_send(control, &request, NULL, 0, on_answer, NULL);
    turn();
    ck_assert_int_eq(recv(agent, &request, sizeof(request), 0), sizeof(request));
    ck_assert_uint_eq(request.version, AGENT_PROTOCOL);
    return request.id;
}

static unsigned open_files(void) {
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

START_TEST(answers_meet_their_requests) {
    say_hello();
    uint32_t first = ask(AGENT_SIGNAL), second = ask(AGENT_SIGNAL);
    ck_assert_uint_ne(first, second);
    say(&(struct agent_reply){.type = AGENT_DONE, .id = second}, NULL, 0);
    ck_assert_uint_eq(answers, 1);
    say(&(struct agent_reply){.type = AGENT_DONE, .id = second}, NULL, 0); /* again: nobody asks */
    ck_assert_uint_eq(answers, 1);
    say(&(struct agent_reply){.type = AGENT_DONE, .id = first}, NULL, 0);
    ck_assert_uint_eq(answers, 2);
    say(&(struct agent_reply){.type = AGENT_EXITED, .pid = 7}, NULL, 0);
    ck_assert_int_eq(told_pid, 7);
    ck_assert_uint_eq(losses, 0);
}
END_TEST

START_TEST(an_end_answers_what_is_open) {
    say_hello();
    ask(AGENT_SIGNAL);
    ask(AGENT_SPAWN);
    close(agent);
    agent = -1;
    turn();
    ck_assert_uint_eq(unanswered, 2);
    ck_assert_uint_eq(losses, 1);
}
END_TEST

/* Each is said after hello and one open AGENT_SIGNAL (id 1), with `fds` descriptors. */
static const struct lie {
    struct agent_reply reply;
    size_t fds;
} lies[] = {
    {{.type = AGENT_HELLO}, 0},                                     /* twice */
    {{.type = AGENT_FAILED}, 0},                                    /* after hello */
    {{.type = 0}, 0},                                               /* unknown */
    {{.type = 99}, 0},                                              /* unknown */
    {{.type = AGENT_DONE, .id = 4711}, 0},                          /* never asked */
    {{.type = AGENT_DONE, .id = 1}, 1},                             /* a descriptor too many */
    {{.type = AGENT_SPAWNED, .id = 1, .pid = 2}, 2},                /* answers no spawn */
    {{.type = AGENT_PROCESS, .id = 1, .pid = 2}, 3},                /* answers no adoption */
    {{.type = AGENT_SPAWNED, .id = 9, .pid = 2}, 2},                /* never asked */
    {{.type = AGENT_SPAWNED, .id = 1, .pid = 0}, 2},                /* no process */
    {{.type = AGENT_SPAWNED, .flags = PROCESS_PTY, .pid = 2}, 3},   /* too many */
    {{.type = AGENT_SPAWNED, .flags = PROCESS_STDIN, .pid = 2}, 2}, /* too few */
    {{.type = AGENT_EXITED, .pid = 0}, 0},                          /* no process */
    {{.type = AGENT_EXITED, .pid = -5}, 0},                         /* no process */
    {{.type = AGENT_EXITED, .pid = 5}, 4},                          /* descriptors */
};

START_TEST(a_lie_ends_the_connection) {
    const struct lie *lie = &lies[_i];
    const int fds[] = {0, 0, 0, 0};
    say_hello();
    ck_assert_uint_eq(ask(AGENT_SIGNAL), 1);
    const unsigned before = open_files();
    say(&lie->reply, fds, lie->fds);
    ck_assert_uint_eq(losses, 1);
    ck_assert_uint_eq(unanswered, 1);
    ck_assert_uint_eq(open_files(), before - 1); /* our end of the connection */
}
END_TEST

START_TEST(nothing_comes_before_hello) {
    say(&(struct agent_reply){.type = AGENT_EXITED, .pid = 3}, NULL, 0);
    ck_assert_uint_eq(exits, 0);
    ck_assert_uint_eq(losses, 1);
}
END_TEST

START_TEST(a_failure_is_told_instead_of_hello) {
    say(&(struct agent_reply){.type = AGENT_FAILED, .error = 5, .text = "at mounting"}, NULL, 0);
    ck_assert_uint_eq(failures, 1);
    ck_assert_uint_eq(losses, 0);
}
END_TEST

START_TEST(a_text_without_end_is_refused) {
    struct agent_reply reply = {.version = AGENT_PROTOCOL, .type = AGENT_FAILED};
    memset(reply.text, 'x', sizeof(reply.text));
    say(&reply, NULL, 0);
    ck_assert_uint_eq(failures, 0);
    ck_assert_uint_eq(losses, 1);
}
END_TEST

START_TEST(a_message_of_another_size_or_version_is_refused) {
    char bytes[sizeof(struct agent_reply) + 16] = {0};
    const struct agent_reply old = {.version = AGENT_PROTOCOL + 1, .type = AGENT_HELLO};
    memcpy(bytes, &old, sizeof(old));
    const size_t sizes[] = {1, sizeof(old) - 1, sizeof(old), sizeof(bytes)};
    ck_assert_int_eq(send(agent, bytes, sizes[_i], 0), sizes[_i]);
    turn();
    ck_assert_uint_eq(losses, 1);
    ck_assert_uint_eq(hellos, 0);
}
END_TEST

START_TEST(many_requests_wait_for_a_slow_agent) {
    enum { MANY = 2000 };
    say_hello();
    for (int i = 0; i < MANY; i++)
        control_send(control, &(struct agent_request){.type = AGENT_SIGNAL}, NULL, 0, on_answer,
                     NULL);
    for (int i = 0; i < MANY; i++) {
        struct agent_request request;
        turn();
        ck_assert_int_eq(recv(agent, &request, sizeof(request), MSG_DONTWAIT), sizeof(request));
        ck_assert_uint_eq(request.id, i + 1);
        say(&(struct agent_reply){.type = AGENT_DONE, .id = request.id}, NULL, 0);
    }
    ck_assert_uint_eq(answers, MANY);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("control");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, answers_meet_their_requests);
    tcase_add_test(cases, an_end_answers_what_is_open);
    tcase_add_loop_test(cases, a_lie_ends_the_connection, 0, ARRAY_LEN(lies));
    tcase_add_test(cases, nothing_comes_before_hello);
    tcase_add_test(cases, a_failure_is_told_instead_of_hello);
    tcase_add_test(cases, a_text_without_end_is_refused);
    tcase_add_loop_test(cases, a_message_of_another_size_or_version_is_refused, 0, 4);
    tcase_add_test(cases, many_requests_wait_for_a_slow_agent);
    return unit_run("control", cases);
}
