/* SPDX-License-Identifier: Apache-2.0
 *
 * Real sandboxes through runtime.h: what runs in them, how it ends, what a new daemon finds of them
 * and that nothing stays of them.
 */
#include "tests/unit/runtime_fixture.h"
#include "tests/unit/unit.h"
#include "common/clock.h"
#include "common/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static struct world w;
static char out[WORLD_OUTPUT];

static void setup(void) {
    world_open(&w);
}

static void teardown(void) {
    world_close(&w);
}

static const char *const no_env[] = {NULL};

static struct guest_spawn command(const char *cmd, const char *const *args) {
    return (struct guest_spawn){.user = "user", .cwd = "", .cmd = cmd, .args = args, .env = no_env};
}

/* ---- what runs --------------------------------------------------------------------------------
 */

START_TEST(a_program_runs_as_the_user_at_home) {
    struct guest *guest = world_create(&w);
    ck_assert_int_eq(
        world_shell(&w, guest, "id -un; pwd; hostname; cat /run/e2b/.E2B_TEMPLATE_ID", out), 0);
    char id[32], wanted[128];
    world_id(1, id);
    snprintf(wanted, sizeof(wanted), "%s\n/home/user\n%s\ntest",
             runtime_facts(w.rt)->id_count == 1 ? "root" : "user", id);
    ck_assert_str_eq(out, wanted);
    world_kill(&w, guest);
}
END_TEST

START_TEST(root_inside_is_a_word_away_and_does_not_reach_the_first_process) {
    struct guest *guest = world_create(&w);
    ck_assert_int_eq(world_shell(&w, guest, "sudo -n id -u; sudo -E A=b sh -c 'echo $A'", out), 0);
    ck_assert_str_eq(out, "0\nb\n");
    const char *const forbidden[] = {
        "sudo cat /proc/1/maps",
        "sudo readlink /proc/1/exe",
        "sudo readlink /proc/1/root",
        "sudo mount -t tmpfs x /mnt",
        "sudo hostname x",
        "sudo ip link set lo down",
        "sudo mknod /tmp/x b 8 0",
        "echo 1 | sudo tee /proc/sys/kernel/panic",
    };
    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
        if (world_shell(&w, guest, forbidden[i], out) == 0)
            ck_abort_msg("'%s' worked", forbidden[i]);
    ck_assert_int_eq(world_shell(&w, guest, "sudo kill -9 1", out), 0); /* and nothing happens */
    ck_assert_int_eq(world_shell(&w, guest, "echo alive", out), 0);
    world_kill(&w, guest);
}
END_TEST

START_TEST(the_environment_is_what_was_asked_and_the_last_entry_wins) {
    const char *args[] = {"-0", NULL}, *env[] = {"A=1", "HOME=/tmp", "A=2", NULL};
    struct guest *guest = world_create(&w);
    struct guest_spawn spawn = command("env", args);
    spawn.env = env;
    struct guest_process *p = world_spawn(&w, guest, &spawn);
    ck_assert_ptr_nonnull(p);
    world_end_of(&w, p->pid);
    ssize_t n = read(p->out, out, sizeof(out));
    static const char wanted[] = "HOME=/tmp\0A=2\0PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
                                 "/usr/bin:/sbin:/bin\0USER=user\0LOGNAME=user";
    ck_assert_int_eq(n, sizeof(wanted));
    ck_assert_mem_eq(out, wanted, sizeof(wanted));
    world_kill(&w, guest);
}
END_TEST

START_TEST(statuses_are_those_of_wait) {
    struct guest *guest = world_create(&w);
    int status = world_shell(&w, guest, "exit 7", out);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    status = world_shell(&w, guest, "kill -SEGV $$", out);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    world_kill(&w, guest);
}
END_TEST

START_TEST(a_missing_program_says_so_and_exits_127) {
    const char *args[] = {NULL};
    struct guest *guest = world_create(&w);
    struct guest_spawn spawn = command("no-such-program", args);
    struct guest_process *p = world_spawn(&w, guest, &spawn);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(WEXITSTATUS(world_end_of(&w, p->pid)), 127);
    ssize_t n = read(p->err, out, sizeof(out) - 1);
    out[MAX(n, 0)] = '\0';
    ck_assert_str_eq(out, "no-such-program: not found\n");
    spawn.pty = true;
    ck_assert_ptr_null(world_spawn(&w, guest, &spawn));
    ck_assert_int_eq(w.err.kind, ERR_INVALID);
    world_kill(&w, guest);
}
END_TEST

START_TEST(what_cannot_start_is_refused_and_forgotten) {
    const char *args[] = {NULL};
    struct guest *guest = world_create(&w);
    struct guest_spawn nobody = command("true", args), nowhere = nobody;
    nobody.user = "who";
    nowhere.cwd = "/no/such/place";
    ck_assert_ptr_null(world_spawn(&w, guest, &nobody));
    ck_assert_int_eq(w.err.kind, ERR_UNAUTHENTICATED);
    /* more often than the agent has slots */
    for (int i = 0; i < AGENT_MAX_PROCESSES + 8; i++) {
        ck_assert_ptr_null(world_spawn(&w, guest, &nowhere));
        ck_assert_int_eq(w.err.kind, ERR_INVALID);
        ck_assert_str_eq(w.err.message, "cwd '/no/such/place' does not exist");
    }
    ck_assert_uint_eq(w.exit_count, 0);
    world_kill(&w, guest);
}
END_TEST

START_TEST(stdin_ends_when_both_holders_close_it) {
    const char *args[] = {NULL};
    struct guest *guest = world_create(&w);
    struct guest_spawn spawn = command("cat", args);
    spawn.want_stdin = true;
    struct guest_process *p = world_spawn(&w, guest, &spawn);
    ck_assert_ptr_nonnull(p);
    ck_assert(io_write_all(p->in, "hello", 5));
    close(p->in);
    guest_close_stdin(guest, p->pid);
    ck_assert_int_eq(world_end_of(&w, p->pid), 0);
    ck_assert_int_eq(read(p->out, out, sizeof(out)), 5);
    world_kill(&w, guest);
}
END_TEST

START_TEST(a_terminal_has_its_size_and_controls_its_process) {
    const char *args[] = {"-c", "stty size; tty; exec sleep 60", NULL};
    struct guest *guest = world_create(&w);
    struct guest_spawn spawn = command("/bin/sh", args);
    spawn.pty = true;
    spawn.cols = 91;
    spawn.rows = 17;
    struct guest_process *p = world_spawn(&w, guest, &spawn);
    ck_assert_ptr_nonnull(p);
    ck_assert(p->pty && p->err < 0 && p->in < 0);
    size_t len = 0;
    while (!memchr(out, '\n', len) || !strstr(out, "/dev/pts/0")) {
        ssize_t n = read(p->out, out + len, sizeof(out) - 1 - len);
        ck_assert_int_gt(n, 0);
        len += (size_t)n;
        out[len] = '\0';
    }
    ck_assert_str_eq(out, "17 91\r\n/dev/pts/0\r\n");
    ck_assert(io_write_all(p->out, "\x03", 1)); /* Ctrl-C */
    int status = world_end_of(&w, p->pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    world_kill(&w, guest);
}
END_TEST

static void on_signalled(void *ctx, const struct error *err) {
    struct world *world = ctx;
    if (err)
        world->err = *err;
    else
        world->err.kind = ERR_NONE;
    world->answers++;
}

START_TEST(signals_reach_processes_that_are_ours_and_alive) {
    const char *args[] = {"60", NULL};
    struct guest *guest = world_create(&w);
    struct guest_spawn spawn = command("sleep", args);
    int32_t pid = world_spawn(&w, guest, &spawn)->pid;
    guest_signal(guest, pid, SIGTERM, on_signalled, &w);
    int status = world_end_of(&w, pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    const unsigned before = w.answers;
    guest_signal(guest, pid, SIGTERM, on_signalled, &w);
    guest_signal(guest, 1, SIGTERM, on_signalled, &w);
    world_wait(&w, &w.answers, before + 2);
    ck_assert_int_eq(w.err.kind, ERR_NOT_FOUND);
    world_kill(&w, guest);
}
END_TEST

START_TEST(a_helper_tells_that_nobody_listens) {
    const char *args[] = {"9", NULL};
    struct guest *guest = world_create(&w);
    struct helper_reply reply;
    int sock = guest_helper(guest, HELPER_CONNECT, "", args, &w.err);
    ck_assert_int_ge(sock, 0);
    struct pollfd ready = {.fd = sock, .events = POLLIN};
    while (poll(&ready, 1, 0) == 0)
        uv_run(&w.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(recv(sock, &reply, sizeof(reply), 0), sizeof(reply));
    ck_assert_int_eq(reply.error, ECONNREFUSED);
    close(sock);
    world_kill(&w, guest);
}
END_TEST

static bool knows_nobody(void *ctx, const char *id) {
    (void)ctx;
    (void)id;
    return false;
}

/* ---- how it ends ------------------------------------------------------------------------------
 */

static unsigned entries(const char *name) {
    char path[512];
    unsigned count = 0;
    snprintf(path, sizeof(path), "%s/%s", world_state(), name);
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *e; (e = readdir(dir));)
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return count;
}

static bool is_mentioned(const char *file, const char *text) {
    struct buf content = BUF_INIT(16 << 20);
    struct error err = ERROR_INIT;
    ck_assert(io_read_file(file, &content, &err));
    bool found = content.data && strstr(content.data, text);
    buf_free(&content);
    return found;
}

static void wait_for_empty_trash(void) {
    const int64_t end = clock_mono_ms() + 20000;
    while (entries("trash") && clock_mono_ms() < end) {
        uv_run(&w.loop, UV_RUN_NOWAIT);
        poll(NULL, 0, 5);
    }
    ck_assert_uint_eq(entries("trash"), 0);
}

START_TEST(nothing_is_left_of_fifty_at_once) {
    enum { COUNT = 50 };
    pid_t pids[COUNT];
    for (unsigned i = 0; i < COUNT; i++)
        world_begin(&w, i + 1);
    world_wait(&w, &w.ready, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        pids[i] = guest_pid(w.guests[i]);
        ck_assert_int_eq(
            world_shell(&w, w.guests[i], "mkdir -p a/b/c; touch a/b/c/d; sleep 99 &", out), 0);
    }
    for (unsigned i = 0; i < COUNT; i++)
        world_kill(&w, w.guests[i]);
    for (unsigned i = 0; i < COUNT; i++)
        ck_assert(kill(pids[i], 0) < 0 && errno == ESRCH);
    ck_assert_uint_eq(entries("sandboxes"), 0);
    char id[32], find[128];
    world_id(0, id);
    id[strlen(id) - 1] = '\0';
    ck_assert(!is_mentioned("/proc/self/mountinfo", id));
    snprintf(find, sizeof(find), "find /sys/fs/cgroup -name '%s*' 2>/dev/null | grep -q .", id);
    ck_assert_int_ne(system(find), 0);
    wait_for_empty_trash();
}
END_TEST

/* How many network namespaces we have open. */
static unsigned held_networks(void) {
    char link[64];
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        ssize_t len = readlinkat(dirfd(dir), e->d_name, link, sizeof(link));
        count += len > 5 && memcmp(link, "net:[", 5) == 0;
    }
    closedir(dir);
    return count;
}

START_TEST(networks_of_the_dead_wait_for_those_being_made_and_no_longer) {
    enum { COUNT = 20 };
    struct guest *first = world_create(&w);
    for (unsigned i = 1; i < COUNT; i++)
        world_begin(&w, i + 1);
    world_begin_kill(&w, first);
    if (geteuid() == 0)
        ck_assert_uint_eq(held_networks(), 1);
    world_wait(&w, &w.killed, 1);
    world_wait(&w, &w.ready, COUNT);
    const int64_t end = clock_mono_ms() + 20000;
    while (held_networks() && clock_mono_ms() < end)
        uv_run(&w.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(held_networks(), 0);
    for (unsigned i = 1; i < COUNT; i++)
        world_kill(&w, w.guests[i]);
}
END_TEST

START_TEST(a_second_sandbox_of_that_name_leaves_the_first_alone) {
    struct guest *guest = world_create(&w);
    world_begin(&w, 1);
    world_wait(&w, &w.failed, 1);
    ck_assert_int_eq(world_shell(&w, guest, "echo here", out), 0);
    ck_assert_str_eq(out, "here\n");
    world_kill(&w, guest);
}
END_TEST

START_TEST(the_death_of_its_first_process_is_noticed) {
    struct guest *guest = world_create(&w);
    int32_t sleeper = 0;
    const char *args[] = {"60", NULL};
    struct guest_spawn spawn = command("sleep", args);
    sleeper = world_spawn(&w, guest, &spawn)->pid;
    ck_assert_int_gt(sleeper, 0);
    kill(guest_pid(guest), SIGKILL);
    world_wait(&w, &w.exited, 1);
    ck_assert_ptr_null(world_spawn(&w, guest, &spawn));
    ck_assert_int_eq(w.err.kind, ERR_GONE);
    world_kill(&w, guest);
    ck_assert_uint_eq(entries("sandboxes"), 0);
}
END_TEST

/* Our child that is the zygote. */
static pid_t zygote(void) {
    char path[64];
    struct buf children = BUF_INIT(4096);
    struct error err = ERROR_INIT;
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    ck_assert(io_read_file(path, &children, &err));
    pid_t pid = children.len ? (pid_t)atoi(children.data) : 0;
    buf_free(&children);
    ck_assert_int_gt(pid, 1);
    return pid;
}

START_TEST(a_zygote_that_died_is_replaced) {
    struct guest *guest = world_create(&w);
    const pid_t before = zygote();
    kill(before, SIGKILL);
    siginfo_t end; /* what is asked of a dying one is refused, and may be */
    ck_assert_int_eq(waitid(P_PID, (id_t)before, &end, WEXITED | WNOWAIT), 0);
    uv_run(&w.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(world_shell(&w, guest, "echo alive", out), 0);
    struct guest *second = world_create(&w);
    ck_assert_int_eq(world_shell(&w, second, "echo alive", out), 0);
    ck_assert_str_eq(out, "alive\n");
    world_kill(&w, guest);
    world_kill(&w, second);
    wait_for_empty_trash();
}
END_TEST

START_TEST(stopping_lets_go_of_what_is_being_made) {
    for (unsigned i = 0; i < 8; i++)
        world_begin(&w, i + 1);
    uv_run(&w.loop, UV_RUN_ONCE);
    world_close(&w);
    world_open(&w);
    runtime_sweep(w.rt, knows_nobody, NULL);
    ck_assert_uint_eq(entries("sandboxes"), 0);
    wait_for_empty_trash();
}
END_TEST

START_TEST(calls_that_are_open_when_it_is_killed_are_answered) {
    struct guest *guest = world_create(&w);
    const unsigned before = w.answers;
    guest_signal(guest, 99, SIGTERM, on_signalled, &w);
    world_kill(&w, guest);
    world_wait(&w, &w.answers, before + 1);
    ck_assert_int_eq(w.err.kind, ERR_GONE);
}
END_TEST

START_TEST(a_plan_that_is_none_is_refused) {
    struct plan plan = {.limits = plan_default_limits};
    plan.overlay_count = runtime_base_overlays(w.rt, plan.overlays);
    ck_assert(!plan_check(&plan, &w.err));
    strcpy(plan.id, "../x");
    ck_assert(!plan_check(&plan, &w.err));
    strcpy(plan.id, "itest1");
    ck_assert(plan_check(&plan, &w.err));
    const char *const out_of_it[] = {"base/../../etc"};
    plan.overlays[0].lowers = out_of_it;
    ck_assert(!plan_check(&plan, &w.err));
}
END_TEST

/* ---- daemons come and go ----------------------------------------------------------------------
 */

/* A daemon of its own that starts itest1 with `script` in it, and dies without a word. */
static void leave_behind(const char *script) {
    const char *args[] = {"-c", script, NULL};
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t daemon = fork();
    ck_assert_int_ge(daemon, 0);
    if (daemon == 0) {
        struct world own;
        world_open(&own);
        struct guest *guest = world_create(&own);
        guest_set_deadline(guest, 0);
        struct guest_spawn spawn = command("/bin/sh", args);
        spawn.want_stdin = true;
        spawn.tag = "tag";
        if (world_spawn(&own, guest, &spawn) && write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    kill(daemon, SIGKILL);
    ck_assert_int_eq(waitpid(daemon, NULL, 0), daemon);
}

START_TEST(the_next_daemon_goes_on_with_what_runs) {
    leave_behind("while read -r line; do echo \"got $line\"; done; exit 5");
    struct guest *guest = world_adopt(&w, 1, false);
    ck_assert_ptr_nonnull(guest);
    ck_assert_uint_eq(w.process_count, 1);
    struct guest_process p = w.processes[0];
    ck_assert(!p.exited && !p.pty && p.has_stdin && p.in >= 0 && p.arguments >= 0);
    ck_assert(io_write_all(p.in, "it\n", 3));
    ck_assert_int_eq(read(p.out, out, sizeof(out)), 7);
    ck_assert_mem_eq(out, "got it\n", 7);
    close(p.in);
    guest_close_stdin(guest, p.pid);
    ck_assert_int_eq(WEXITSTATUS(world_end_of(&w, p.pid)), 5);
    guest_forget(guest, p.pid);
    ck_assert_int_eq(world_shell(&w, guest, "echo again", out), 0);
    world_kill(&w, guest);
    ck_assert_uint_eq(entries("sandboxes"), 0);
}
END_TEST

START_TEST(the_next_daemon_hears_of_what_ended_meanwhile) {
    leave_behind("echo bye; exit 3");
    struct guest *guest = world_adopt(&w, 1, false);
    ck_assert_ptr_nonnull(guest);
    ck_assert_uint_eq(w.process_count, 1);
    struct guest_process p = w.processes[0];
    if (!p.exited)
        p.status = world_end_of(&w, p.pid);
    ck_assert_int_eq(WEXITSTATUS(p.status), 3);
    ck_assert_int_eq(read(p.out, out, sizeof(out)), 4);
    world_kill(&w, guest);
}
END_TEST

START_TEST(what_nobody_knows_is_swept_away) {
    leave_behind("sleep 99");
    ck_assert_uint_eq(entries("sandboxes"), 1);
    runtime_sweep(w.rt, knows_nobody, NULL);
    ck_assert_uint_eq(entries("sandboxes"), 0);
    ck_assert_ptr_null(world_adopt(&w, 1, false));
    ck_assert_int_eq(w.err.kind, ERR_GONE);
    wait_for_empty_trash();
}
END_TEST

START_TEST(without_a_daemon_nor_a_deadline_it_ends_at_once) {
    struct guest *guest = world_create(&w);
    int pidfd = (int)syscall(SYS_pidfd_open, guest_pid(guest), 0);
    struct pollfd dead = {.fd = pidfd, .events = POLLIN};
    guest_release(guest);
    uv_run(&w.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(poll(&dead, 1, 20000), 1);
    close(pidfd);
    runtime_sweep(w.rt, knows_nobody, NULL);
}
END_TEST

START_TEST(without_a_daemon_it_ends_at_its_deadline) {
    struct guest *guest = world_create(&w);
    int pidfd = (int)syscall(SYS_pidfd_open, guest_pid(guest), 0);
    guest_set_deadline(guest, clock_boot_ms() / 1000 + 1);
    const int64_t end = clock_mono_ms() + 2500;
    struct pollfd dead = {.fd = pidfd, .events = POLLIN};
    while (clock_mono_ms() < end) { /* with one it lives on */
        uv_run(&w.loop, UV_RUN_NOWAIT);
        ck_assert_int_eq(poll(&dead, 1, 20), 0);
    }
    guest_release(guest);
    uv_run(&w.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(poll(&dead, 1, 20000), 1);
    close(pidfd);
    runtime_sweep(w.rt, knows_nobody, NULL);
}
END_TEST

static void on_settled(void *ctx) {
    *(unsigned *)ctx = 1;
}

/* What it hurries may have nothing left to do, and goes without having heard that. */
START_TEST(a_stop_waits_no_longer_than_there_is_work) {
    for (int i = 0; i < 10; i++) {
        unsigned settled = 0;
        world_kill(&w, world_create(&w));
        const int64_t began = clock_mono_ms();
        runtime_settle(w.rt, on_settled, &settled);
        world_wait(&w, &settled, 1);
        ck_assert_int_lt(clock_mono_ms() - began, 4000);
    }
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("runtime");
    tcase_add_unchecked_fixture(cases, world_prepare, NULL);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_program_runs_as_the_user_at_home);
    tcase_add_test(cases, root_inside_is_a_word_away_and_does_not_reach_the_first_process);
    tcase_add_test(cases, the_environment_is_what_was_asked_and_the_last_entry_wins);
    tcase_add_test(cases, statuses_are_those_of_wait);
    tcase_add_test(cases, a_missing_program_says_so_and_exits_127);
    tcase_add_test(cases, what_cannot_start_is_refused_and_forgotten);
    tcase_add_test(cases, stdin_ends_when_both_holders_close_it);
    tcase_add_test(cases, a_terminal_has_its_size_and_controls_its_process);
    tcase_add_test(cases, signals_reach_processes_that_are_ours_and_alive);
    tcase_add_test(cases, a_helper_tells_that_nobody_listens);
    tcase_add_test(cases, nothing_is_left_of_fifty_at_once);
    tcase_add_test(cases, networks_of_the_dead_wait_for_those_being_made_and_no_longer);
    tcase_add_test(cases, a_second_sandbox_of_that_name_leaves_the_first_alone);
    tcase_add_test(cases, the_death_of_its_first_process_is_noticed);
    tcase_add_test(cases, a_zygote_that_died_is_replaced);
    tcase_add_test(cases, stopping_lets_go_of_what_is_being_made);
    tcase_add_test(cases, calls_that_are_open_when_it_is_killed_are_answered);
    tcase_add_test(cases, a_plan_that_is_none_is_refused);
    tcase_add_test(cases, the_next_daemon_goes_on_with_what_runs);
    tcase_add_test(cases, the_next_daemon_hears_of_what_ended_meanwhile);
    tcase_add_test(cases, what_nobody_knows_is_swept_away);
    tcase_add_test(cases, without_a_daemon_nor_a_deadline_it_ends_at_once);
    tcase_add_test(cases, without_a_daemon_it_ends_at_its_deadline);
    tcase_add_test(cases, a_stop_waits_no_longer_than_there_is_work);
    return unit_run("runtime", cases);
}
