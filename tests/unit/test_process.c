/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes over a runtime in memory: what they are given, what is heard of them and when, their
 * input, their end, and what the next daemon believes of them.
 */
#include "backend/core/process.h"
#include "backend/core/process_limits.h"
#include "common/buf.h"
#include "tests/unit/core_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static void set_up(void) {
    core_prepare();
    start_core();
}

static void settle(void) {
    for (int i = 0; i < 50; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

struct heard {
    struct process_listener listener;
    struct buf out, err, terminal;
    struct process_end end;
    bool started, ended, lost, failed, fill_up;
    enum error_kind lost_why;
    struct process *process;
    struct error error;
    struct sandbox *ends; /* when it hears of the end */
    bool has_ended_it;
};

static void end_sandbox(struct heard *heard) {
    if (heard->ends)
        sandbox_kill(heard->ends, "request", on_flag, &heard->has_ended_it);
}

static void on_data(struct process_listener *listener, enum process_stream stream,
                    const void *bytes, size_t len) {
    struct heard *heard = container_of(listener, struct heard, listener);
    struct buf *to = stream == PROCESS_OUT   ? &heard->out
                     : stream == PROCESS_ERR ? &heard->err
                                             : &heard->terminal;
    ck_assert_uint_le(len, PROCESS_PIPE_CHUNK);
    ck_assert(buf_add(to, bytes, len));
    listener->full = heard->fill_up;
}

static void on_end(struct process_listener *listener, const struct process_end *end) {
    struct heard *heard = container_of(listener, struct heard, listener);
    heard->end = *end;
    heard->ended = true;
    end_sandbox(heard);
}

static void on_lost(struct process_listener *listener, const struct error *why) {
    struct heard *heard = container_of(listener, struct heard, listener);
    heard->lost = true;
    heard->lost_why = why->kind;
    end_sandbox(heard);
}

static void on_started(void *ctx, struct process *process, const struct error *failure) {
    struct heard *heard = ctx;
    heard->started = true;
    heard->process = process;
    if (failure)
        heard->error = *failure;
}

static struct heard *listen_anew(void) {
    struct heard *heard = calloc(1, sizeof(*heard));
    heard->out.max = heard->err.max = heard->terminal.max = 64 << 20;
    heard->listener = (struct process_listener){.data = on_data, .end = on_end, .lost = on_lost};
    return heard;
}

static void forget(struct heard *heard) {
    process_unlisten(&heard->listener);
    buf_free(&heard->out);
    buf_free(&heard->err);
    buf_free(&heard->terminal);
    free(heard);
}

static const char *const no_args[] = {NULL};

static struct heard *run_spec(struct sandbox *sandbox, struct process_spec spec) {
    struct heard *heard = listen_anew();
    spec.cmd = spec.cmd ? spec.cmd : "cat";
    spec.args = spec.args ? spec.args : no_args;
    process_start(sandbox, &spec, &heard->listener, on_started, heard);
    wait_for(&heard->started);
    return heard;
}

static struct heard *run(struct sandbox *sandbox) {
    struct heard *heard = run_spec(sandbox, (struct process_spec){.want_stdin = true});
    ck_assert_ptr_nonnull(heard->process);
    return heard;
}

static void say(int fd, const char *text) {
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

struct written {
    bool done;
    struct error err;
};

static void on_written(void *ctx, const struct error *failure) {
    struct written *written = ctx;
    written->done = true;
    if (failure)
        written->err = *failure;
}

START_TEST(a_process_gets_what_it_was_given) {
    struct sandbox_request request = {.template_ref = "base", .timeout_s = 60};
    pairs_put(&request.env, "A", "1");
    struct sandbox *sandbox = create_with(request).sandbox;
    struct process_spec spec = {.tag = "t", .cwd = "/x", .args = (const char *[]){"-l", NULL}};
    pairs_put(&spec.env, "B", "2");
    struct heard *heard = run_spec(sandbox, spec);
    pairs_free(&spec.env);
    char expected[512];
    snprintf(expected, sizeof(expected),
             "user|/x|t|cat|-l\nE2B_SANDBOX=true\nE2B_SANDBOX_ID=%s\nE2B_TEMPLATE_ID=%s\n"
             "E2B_EVENTS_ADDRESS=http://192.0.2.1\nA=1\nB=2",
             sandbox->id, sandbox->template_id);
    ck_assert_str_eq(fake_last_process()->arguments, expected);
    ck_assert_uint_eq(heard->process->env.count, 1);
    ck_assert_ptr_eq(process_by_tag(sandbox, "t", &err), heard->process);
    ck_assert_ptr_eq(process_by_pid(sandbox, heard->process->pid, &err), heard->process);
    ck_assert_ptr_null(process_by_pid(sandbox, 77, &err));
    ck_assert_str_eq(err.message, "process with pid 77 not found");
    forget(heard);
}
END_TEST

START_TEST(a_start_can_fail) {
    struct heard *heard =
        run_spec(create(60), (struct process_spec){.user = "nobody-of-that-name"});
    ck_assert_ptr_null(heard->process);
    ck_assert_int_eq(heard->error.kind, ERR_UNAUTHENTICATED);
    forget(heard);
}
END_TEST

START_TEST(output_comes_before_the_end) {
    struct heard *heard = run(create(60));
    struct fake_process *program = fake_last_process();
    say(program->out, "one");
    say(program->err, "two");
    fake_exit(program, 3 << 8, false);
    wait_for(&heard->ended);
    ck_assert_str_eq(heard->out.data, "one");
    ck_assert_str_eq(heard->err.data, "two");
    ck_assert_int_eq(heard->end.exit_code, 3);
    ck_assert(heard->end.exited);
    ck_assert_str_eq(heard->end.status, "exit status 3");
    ck_assert(program->forgotten);
    /* Its end is remembered for whoever comes late. */
    struct heard *late = listen_anew();
    process_listen(heard->process, &late->listener);
    ck_assert(late->ended);
    forget(late);
    forget(heard);
}
END_TEST

START_TEST(the_end_waits_for_whoever_holds_the_pipes) {
    struct heard *heard = run(create(60));
    struct fake_process *program = fake_last_process();
    fake_exit(program, 0, true);
    settle();
    ck_assert(!heard->ended);
    say(program->out, "from the background");
    fake_close_pipes(program);
    wait_for(&heard->ended);
    ck_assert_str_eq(heard->out.data, "from the background");
    forget(heard);
}
END_TEST

START_TEST(one_that_was_killed_ends_at_once) {
    struct heard *heard = run(create(60));
    struct fake_process *program = fake_last_process();
    struct written signalled = {0};
    say(program->out, "last words");
    process_signal(heard->process, SIGKILL, on_written, &signalled);
    wait_for(&signalled.done);
    ck_assert_int_eq(program->last_signal, SIGKILL);
    fake_exit(program, SIGKILL, true);
    wait_for(&heard->ended);
    ck_assert_str_eq(heard->out.data, "last words");
    ck_assert_str_eq(heard->end.status, "signal: killed");
    ck_assert_int_eq(heard->end.exit_code, -1);
    forget(heard);
}
END_TEST

START_TEST(the_deadline_kills) {
    struct heard *heard = run_spec(create(60), (struct process_spec){.timeout_ms = 30});
    struct fake_process *program = fake_last_process();
    while (!program->last_signal)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_int_eq(program->last_signal, SIGKILL);
    fake_exit(program, SIGKILL, true);
    wait_for(&heard->ended);
    ck_assert(heard->end.deadline);
    forget(heard);
}
END_TEST

/* A full pipe means that the program is stopped; the daemon holds one chunk and no more. */
START_TEST(the_slowest_listener_sets_the_pace) {
    struct sandbox *sandbox = create(60);
    struct heard *slow = run(sandbox), *fast = listen_anew();
    struct fake_process *program = fake_last_process();
    process_listen(slow->process, &fast->listener);
    slow->fill_up = true;
    char bytes[4096] = "x";
    size_t written = 0;
    ck_assert_int_eq(fcntl(program->out, F_SETFL, O_NONBLOCK), 0);
    for (int quiet = 0; quiet < 20; quiet++) {
        ssize_t n;
        while ((n = write(program->out, bytes, sizeof(bytes))) > 0) {
            written += (size_t)n;
            quiet = 0;
        }
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    ck_assert_uint_le(slow->out.len, PROCESS_PIPE_CHUNK);
    ck_assert_uint_eq(slow->out.len, fast->out.len);
    slow->fill_up = false;
    process_resume(&slow->listener);
    while (slow->out.len < written)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(fast->out.len, written);
    /* Without any listener the program goes on, and its output nowhere. */
    forget(slow);
    forget(fast);
    size_t dropped = 0;
    while (dropped < 1 << 20) {
        ssize_t n = write(program->out, bytes, sizeof(bytes));
        dropped += n > 0 ? (size_t)n : 0;
        uv_run(&loop, UV_RUN_NOWAIT);
    }
}
END_TEST

START_TEST(input_is_queued_and_closed_behind) {
    struct heard *heard = run(create(60));
    struct fake_process *program = fake_last_process();
    struct written big = {0}, after = {0};
    size_t len = 1 << 20, got = 0;
    char *bytes = calloc(1, len), part[65536];
    process_write(heard->process, false, bytes, len, on_written, &big);
    ck_assert(process_close_stdin(heard->process, &err));
    ck_assert(process_close_stdin(heard->process, &err)); /* again is fine */
    process_write(heard->process, false, "x", 1, on_written, &after);
    ck_assert_str_eq(after.err.message, "stdin not enabled or closed");
    settle();
    ck_assert(!big.done);
    ck_assert(!program->stdin_closed);
    ck_assert_int_eq(fcntl(program->in, F_SETFL, O_NONBLOCK), 0);
    for (ssize_t n = -1; n != 0; uv_run(&loop, UV_RUN_NOWAIT)) {
        n = read(program->in, part, sizeof(part));
        got += n > 0 ? (size_t)n : 0;
    }
    ck_assert_uint_eq(got, len);
    ck_assert(big.done && big.err.kind == ERR_NONE);
    ck_assert(program->stdin_closed);
    free(bytes);
    forget(heard);
}
END_TEST

START_TEST(input_has_bounds_and_a_broken_pipe_is_told) {
    struct heard *heard = run(create(60));
    struct fake_process *program = fake_last_process();
    struct written full = {0}, more = {0}, wrong = {0};
    char *bytes = calloc(1, PROCESS_MAX_WAITING);
    process_write(heard->process, false, bytes, PROCESS_MAX_WAITING, on_written, &full);
    process_write(heard->process, false, bytes, PROCESS_MAX_WAITING, on_written, &more);
    ck_assert_int_eq(more.err.kind, ERR_LIMIT);
    process_write(heard->process, true, "x", 1, on_written, &wrong);
    ck_assert_int_eq(wrong.err.kind, ERR_INTERNAL);
    close(program->in);
    program->in = -1;
    wait_for(&full.done);
    ck_assert_ptr_nonnull(strstr(full.err.message, "error writing to stdin"));
    free(bytes);
    forget(heard);
}
END_TEST

START_TEST(the_end_of_a_sandbox_is_told_to_all) {
    struct sandbox *sandbox = create(60);
    struct heard *heard = run(sandbox);
    struct written written = {0};
    char *bytes = calloc(1, 1 << 20);
    process_write(heard->process, false, bytes, 1 << 20, on_written, &written);
    bool gone = false;
    sandbox_kill(sandbox, "request", on_flag, &gone);
    ck_assert(heard->lost);
    ck_assert_int_eq(heard->lost_why, ERR_GONE);
    ck_assert_int_eq(written.err.kind, ERR_GONE);
    wait_for(&gone);
    free(bytes);
    forget(heard);
}
END_TEST

START_TEST(who_listens_to_a_frozen_sandbox_is_told_and_may_come_back) {
    struct sandbox *sandbox = create(60);
    struct heard *heard = run(sandbox);
    fake_guest_freezes(sandbox->id);
    ck_assert(heard->lost);
    ck_assert_int_eq(heard->lost_why, ERR_NO_SPACE);
    ck_assert(!sandbox_runs(sandbox, &err));
    heard->lost = fake.frozen = false;
    process_listen(heard->process, &heard->listener);
    fake_exit(fake_last_process(), 0, false);
    wait_for(&heard->ended);
    forget(heard);
}
END_TEST

/* The last to listen is told first. */
START_TEST(who_is_told_of_an_end_may_end_the_sandbox) {
    for (int freezes = 0; freezes < 2; freezes++) {
        struct sandbox *sandbox = create(60);
        struct heard *older = run(sandbox), *first = run(sandbox), *second = listen_anew();
        process_listen(first->process, &second->listener);
        second->ends = sandbox;
        if (freezes)
            fake_guest_freezes(sandbox->id);
        else
            fake_exit(fake_last_process(), 0, false);
        wait_for(&second->has_ended_it);
        ck_assert(freezes ? second->lost : second->ended);
        ck_assert(first->lost && older->lost);
        ck_assert_int_eq(first->lost_why, ERR_GONE);
        fake.frozen = false;
        forget(older);
        forget(first);
        forget(second);
    }
}
END_TEST

START_TEST(a_start_that_the_sandbox_does_not_outlive) {
    struct sandbox *sandbox = create(60);
    struct heard *heard = listen_anew();
    bool gone = false;
    process_start(sandbox, &(struct process_spec){.cmd = "cat", .args = no_args}, &heard->listener,
                  on_started, heard);
    sandbox_kill(sandbox, "request", on_flag, &gone);
    wait_for(&gone);
    ck_assert(heard->started);
    ck_assert_int_eq(heard->error.kind, ERR_GONE);
    forget(heard);
}
END_TEST

/* The sandbox with one process, as the next daemon finds it. */
static struct sandbox *adopt(int arguments) {
    char id[ID_SANDBOX];
    struct sandbox *sandbox = create(3600);
    snprintf(id, sizeof(id), "%s", sandbox->id);
    forget(run(sandbox));
    fake.adopt_arguments = arguments;
    stop_core();
    start_core();
    bool recovered = false;
    ck_assert(core_recover(core, on_flag, &recovered, &err));
    wait_for(&recovered);
    if (arguments > 0)
        close(arguments);
    sandbox = sandbox_find(core, id, &err);
    ck_assert_ptr_nonnull(sandbox);
    return sandbox;
}

static const char texts[] = "user\0/tmp\0tag\0cmd\0one\0two\0A=\0B=\0C=\0D=\0MINE=a=b";

static int arguments_with(struct spawn_arguments head, const char *bytes, size_t len) {
    int fd = memfd_create("arguments", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, &head, sizeof(head)), sizeof(head));
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    return fd;
}

static struct spawn_arguments head_of(uint32_t bytes, uint32_t args, uint32_t env) {
    return (struct spawn_arguments){
        .version = AGENT_PROTOCOL, .bytes = bytes, .arg_count = args, .env_count = env};
}

START_TEST(an_adopted_process_is_what_it_was) {
    struct spawn_arguments head = head_of(sizeof(texts), 2, 5);
    head.deadline_ms = steady_now_ms() + 200;
    struct sandbox *sandbox = adopt(arguments_with(head, texts, sizeof(texts)));
    struct process *process = process_by_tag(sandbox, "tag", &err);
    ck_assert_ptr_nonnull(process);
    ck_assert_str_eq(process->cmd, "cmd");
    ck_assert_str_eq(process->cwd, "/tmp");
    ck_assert_str_eq(process->args[0], "one");
    ck_assert_str_eq(process->args[1], "two");
    ck_assert_ptr_null(process->args[2]);
    ck_assert_uint_eq(process->env.count, 1);
    ck_assert_str_eq(pairs_get(&process->env, "MINE"), "a=b");
    struct heard *heard = listen_anew();
    process_listen(process, &heard->listener);
    struct fake_process *program = fake_last_process();
    say(program->out, "still here");
    while (!program->last_signal)
        uv_run(&loop, UV_RUN_ONCE);
    fake_exit(program, SIGKILL, false);
    wait_for(&heard->ended);
    ck_assert_str_eq(heard->out.data, "still here");
    ck_assert(heard->end.deadline);
    forget(heard);
}
END_TEST

START_TEST(arguments_that_lie_are_not_believed) {
    static const struct {
        uint32_t bytes, args, env;
    } lies[] = {
        {0, 0, 4},
        {sizeof(texts), 3, 5},
        {sizeof(texts), 2, 6},
        {sizeof(texts), UINT32_MAX, 5},
        {sizeof(texts), 2, UINT32_MAX},
        {sizeof(texts), 2, 3},
        {UINT32_MAX, 2, 5},
        {sizeof(texts) + 1, 2, 5},
        {3, 0, 4},
        {sizeof(texts), 7, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        struct spawn_arguments head = head_of(lies[i].bytes, lies[i].args, lies[i].env);
        ck_assert_ptr_null(adopt(arguments_with(head, texts, sizeof(texts)))->processes);
    }
    struct spawn_arguments old = head_of(sizeof(texts), 2, 5);
    old.version++;
    ck_assert_ptr_null(adopt(arguments_with(old, texts, sizeof(texts)))->processes);
    ck_assert_ptr_null(adopt(open("/dev/zero", O_RDONLY | O_CLOEXEC))->processes);
    ck_assert_ptr_null(adopt(open("/proc/self/status", O_RDONLY | O_CLOEXEC))->processes);
    ck_assert_ptr_null(adopt(0)->processes);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("process");
    tcase_add_checked_fixture(cases, set_up, core_tear_down);
    tcase_add_test(cases, a_process_gets_what_it_was_given);
    tcase_add_test(cases, a_start_can_fail);
    tcase_add_test(cases, output_comes_before_the_end);
    tcase_add_test(cases, the_end_waits_for_whoever_holds_the_pipes);
    tcase_add_test(cases, one_that_was_killed_ends_at_once);
    tcase_add_test(cases, the_deadline_kills);
    tcase_add_test(cases, the_slowest_listener_sets_the_pace);
    tcase_add_test(cases, input_is_queued_and_closed_behind);
    tcase_add_test(cases, input_has_bounds_and_a_broken_pipe_is_told);
    tcase_add_test(cases, the_end_of_a_sandbox_is_told_to_all);
    tcase_add_test(cases, who_listens_to_a_frozen_sandbox_is_told_and_may_come_back);
    tcase_add_test(cases, who_is_told_of_an_end_may_end_the_sandbox);
    tcase_add_test(cases, a_start_that_the_sandbox_does_not_outlive);
    tcase_add_test(cases, an_adopted_process_is_what_it_was);
    tcase_add_test(cases, arguments_that_lie_are_not_believed);
    return unit_run("process", cases);
}
