/* SPDX-License-Identifier: Apache-2.0
 *
 * Control groups as the host at hand gives them. Each promise that the facts make is tried on a
 * child in a group of its own; one that they do not make is shown to carry its reason.
 */
#include "backend/runtime/cgroup.h"

#include "common/clock.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct cgroups *cgs;
static char name[64];

static const struct plan_limits limits = {
    .memory_bytes = 32 << 20, .processes = 5, .files = 100, .disk_bytes = 1 << 30, .cpus = 1};

static bool is_known(void *ctx, const char *id) {
    (void)ctx;
    (void)id;
    return false;
}

static void start(void) {
    struct error err = ERROR_INIT;
    snprintf(name, sizeof(name), "/test/cgroup/%d", (int)getpid());
    cgs = cgroups_start(name, &err);
    ck_assert_ptr_nonnull(cgs);
}

static void stop(void) {
    cgroups_sweep(cgs, is_known, NULL);
    cgroups_stop(cgs);
}

/* A child that has entered the group and runs `work`; its pid. */
static pid_t inside(const struct cgroup *cg, void (*work)(void)) {
    struct error err = ERROR_INIT;
    int fds[ZYGOTE_MAX_CGROUPS];
    struct clone_args args = {.exit_signal = SIGCHLD};
    int count = cgroup_open_v1(cg, fds, &err);
    int v2 = cgroup_open_v2(cg, &err);
    ck_assert_msg(!err.kind && count >= 0, "%s", err.message);
    if (v2 >= 0)
        args = (struct clone_args){
            .flags = CLONE_INTO_CGROUP, .cgroup = (uint64_t)v2, .exit_signal = SIGCHLD};
    int ready[2];
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        for (int i = 0; i < count; i++)
            if (write(fds[i], "0", 1) != 1)
                _exit(250);
        if (write(ready[1], "r", 1) == 1)
            work();
        _exit(0);
    }
    char byte;
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    while (count > 0)
        close(fds[--count]);
    close_fd(&v2);
    return pid;
}

static struct cgroup *create(const char *id) {
    struct error err = ERROR_INIT;
    struct cgroup *cg = cgroup_create(cgs, id, &limits, &err);
    ck_assert_msg(cg != NULL, "%s", err.message);
    return cg;
}

static void finish(struct cgroup *cg, pid_t pid) {
    cgroup_kill(cg);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ck_assert(cgroup_remove(cg));
}

static void spin(void) {
    for (;;)
        ;
}

static void fork_many(void) {
    int made = 0;
    while (made < 50) {
        pid_t pid = fork();
        if (pid == 0)
            for (;;)
                pause();
        if (pid < 0)
            break;
        made++;
    }
    _exit(made);
}

static void eat_memory(void) {
    size_t len = (size_t)256 << 20;
    char *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t at = 0; at < len; at += 4096)
        bytes[at] = 1;
    _exit(0);
}

static void wait_forever(void) {
    for (;;)
        pause();
}

START_TEST(every_promise_has_a_mechanism_or_a_reason) {
    const struct cgroup_facts *facts = cgroups_facts(cgs);
    const struct runtime_mechanism *all[] = {&facts->memory, &facts->processes, &facts->cpu,
                                             &facts->freeze};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        ck_assert_msg(!all[i]->mechanism != !all[i]->why, "promise %zu", i);
}
END_TEST

START_TEST(processes_are_limited) {
    if (!cgroups_facts(cgs)->processes.mechanism)
        return;
    struct cgroup *cg = create("forks");
    pid_t pid = inside(cg, fork_many);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), (int)limits.processes - 1);
    cgroups_sweep(cgs, is_known, NULL); /* kills the children that are left */
    cgroup_release(cg);
}
END_TEST

START_TEST(memory_is_limited) {
    if (!cgroups_facts(cgs)->memory.mechanism)
        return;
    struct cgroup *cg = create("memory");
    pid_t pid = inside(cg, eat_memory);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGKILL);
    ck_assert_int_eq(cgroup_oom_kills(cg), 1);
    ck_assert(cgroup_remove(cg));
}
END_TEST

static int64_t cpu_of(const struct cgroup *cg) {
    struct guest_usage usage = {0};
    cgroup_usage(cg, &usage);
    return usage.cpu_us;
}

START_TEST(frozen_does_not_run) {
    if (!cgroups_facts(cgs)->freeze.mechanism)
        return;
    struct error err = ERROR_INIT;
    struct cgroup *cg = create("frozen");
    pid_t pid = inside(cg, spin);
    while (cpu_of(cg) == 0)
        ;
    ck_assert_msg(cgroup_freeze(cg, &err), "%s", err.message);
    int64_t frozen = cpu_of(cg), until = clock_mono_us() + 50000;
    while (clock_mono_us() < until)
        ;
    ck_assert_int_le(cpu_of(cg), frozen + 2000);
    ck_assert_msg(cgroup_thaw(cg, &err), "%s", err.message);
    while (cpu_of(cg) <= frozen + 2000)
        ;
    finish(cg, pid);
}
END_TEST

START_TEST(frozen_can_be_killed) {
    if (!cgroups_facts(cgs)->kills)
        return;
    struct error err = ERROR_INIT;
    struct cgroup *cg = create("killed");
    pid_t pid = inside(cg, wait_forever);
    ck_assert(!cgroup_remove(cg)); /* it is in use */
    ck_assert_msg(cgroup_freeze(cg, &err), "%s", err.message);
    ck_assert(cgroup_kill(cg));
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, SIGKILL);
    ck_assert(cgroup_remove(cg));
}
END_TEST

START_TEST(adopted_by_its_process) {
    if (!cgroups_facts(cgs)->freeze.mechanism)
        return;
    struct error err = ERROR_INIT;
    struct cgroup *cg = create("adopted");
    pid_t pid = inside(cg, wait_forever);
    cgroup_release(cg);
    struct cgroup *again = cgroup_adopt(cgs, "adopted", pid, &err);
    ck_assert_msg(again != NULL, "%s", err.message);
    struct guest_usage usage = {0};
    cgroup_usage(again, &usage);
    if (cgroups_facts(cgs)->processes.mechanism)
        ck_assert_int_eq(usage.processes, 1);
    if (cgroups_facts(cgs)->memory.mechanism)
        ck_assert_int_ge(usage.memory_bytes, 0);
    finish(again, pid);
}
END_TEST

START_TEST(process_elsewhere_is_not_adopted) {
    struct error err = ERROR_INIT;
    struct cgroup *cg = cgroup_adopt(cgs, "nobody", getpid(), &err);
    ck_assert_ptr_nonnull(cg);
    struct guest_usage usage = {0};
    cgroup_usage(cg, &usage);
    ck_assert_int_eq(usage.processes, -1);
    ck_assert(!cgroup_freeze(cg, &err));
    cgroup_release(cg);
}
END_TEST

int main(void) {
    TCase *tcase = tcase_create("cgroup");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, every_promise_has_a_mechanism_or_a_reason);
    tcase_add_test(tcase, processes_are_limited);
    tcase_add_test(tcase, memory_is_limited);
    tcase_add_test(tcase, frozen_does_not_run);
    tcase_add_test(tcase, frozen_can_be_killed);
    tcase_add_test(tcase, adopted_by_its_process);
    tcase_add_test(tcase, process_elsewhere_is_not_adopted);
    return unit_run("cgroup", tcase);
}
