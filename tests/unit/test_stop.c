/* SPDX-License-Identifier: Apache-2.0
 *
 * Stopping the processes of a pid namespace, and no other.
 */
#include "backend/runtime/stop.h"
#include "common/clock.h"
#include "tests/unit/unit.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { PATIENCE_MS = 20000 };

static volatile long *counters; /* of the one inside, of the one outside */
static pid_t pid1, outsider;

static void count(volatile long *counter) {
    for (;;)
        (*counter)++;
}

/* PID 1 of a namespace, with one process that counts. */
static void be_pid1(void) {
    if (fork() == 0)
        count(&counters[0]);
    for (;;)
        pause();
}

static void share_a_processor(void) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}

static void start(void) {
    int told[2];
    share_a_processor();
    counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne((void *)(uintptr_t)counters, MAP_FAILED);
    ck_assert_int_eq(pipe(told), 0);
    pid_t maker = fork();
    if (maker == 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
            _exit(1);
        pid_t pid = fork();
        if (pid == 0)
            be_pid1();
        _exit(write(told[1], &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1);
    }
    ck_assert_int_eq(read(told[0], &pid1, sizeof(pid1)), sizeof(pid1));
    waitpid(maker, NULL, 0);
    outsider = fork();
    if (outsider == 0)
        count(&counters[1]);
    while (!counters[0] || !counters[1])
        ;
}

static void stop(void) {
    kill(pid1, SIGKILL);
    kill(outsider, SIGKILL);
    waitpid(outsider, NULL, 0);
}

static bool counts(volatile long *counter, int within_ms) {
    long before = *counter;
    int64_t until = clock_mono_ms() + within_ms;
    while (clock_mono_ms() < until)
        if (*counter > before)
            return true;
    return false;
}

START_TEST(stops_them_and_nobody_else) {
    struct error err = ERROR_INIT;
    ck_assert_msg(stop_processes(pid1, true, &err), "%s", err.message);
    ck_assert(counts(&counters[1], PATIENCE_MS));
    long before = counters[0];
    ck_assert(!counts(&counters[0], 200));
    ck_assert_int_eq(counters[0], before);
    ck_assert_msg(stop_processes(pid1, false, &err), "%s", err.message);
    while (counters[0] == before)
        ;
}
END_TEST

/* On the one processor they had no time to stop yet. */
START_TEST(goes_on_at_once) {
    struct error err = ERROR_INIT;
    for (int i = 0; i < 20; i++) {
        ck_assert_msg(stop_processes(pid1, true, &err), "%s", err.message);
        ck_assert_msg(stop_processes(pid1, false, &err), "%s", err.message);
        ck_assert(counts(&counters[0], PATIENCE_MS));
    }
}
END_TEST

START_TEST(a_dead_one_is_an_error) {
    struct error err = ERROR_INIT;
    ck_assert(!stop_processes(0x3fffffff, true, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "processes of a sandbox"));
}
END_TEST

int main(void) {
    TCase *tcase = tcase_create("stop");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, stops_them_and_nobody_else);
    tcase_add_test(tcase, goes_on_at_once);
    tcase_add_test(tcase, a_dead_one_is_an_error);
    return unit_run("stop", tcase);
}
