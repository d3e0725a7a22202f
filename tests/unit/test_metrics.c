/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples of what sandboxes used: found again, joined when they grow old, forgotten in the end; and
 * what a host that counts nothing says of a process.
 */
#include "backend/runtime/proc_usage.h"
#include "backend/store/metrics.h"
#include "common/clock.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { HOUR = 3600, DAY = 24 * HOUR, BEGIN = 1800000000 /* a whole quarter of an hour */ };

static char dir[64], path[96];
static struct store *store;
static struct error err;

static void set_up(void) {
    err = (struct error)ERROR_INIT;
    snprintf(dir, sizeof(dir), "/tmp/e2b-metrics-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/state.db", dir);
    store = store_open(path, &err);
    ck_assert_msg(store != NULL, "%s", err.message);
}

static void tear_down(void) {
    char command[128];
    store_close(store);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static void add(int64_t at_s, const char *const *ids, size_t count, double percent) {
    struct metrics_sample samples[4] = {0};
    const struct metrics_tick tick = {.at_s = at_s, .sandboxes = (int64_t)count, .started = 1};
    for (size_t i = 0; i < count; i++) {
        samples[i] = (struct metrics_sample){.cpu_percent = percent + (double)i,
                                             .cpus = 2,
                                             .memory_used = (int64_t)percent * 100,
                                             .memory_total = 1 << 30,
                                             .disk_used = at_s,
                                             .disk_total = 10LL << 30};
        snprintf(samples[i].sandbox_id, ID_SANDBOX, "%s", ids[i]);
    }
    ck_assert_msg(store_metrics_add(store, &tick, samples, count, &err), "%s", err.message);
}

static const char *const one[] = {"one"};
static const char *const both[] = {"one", "two"};

struct seen {
    struct metrics_sample at[4096];
    size_t count;
};

static void on_sample(void *ctx, const struct metrics_sample *sample) {
    struct seen *seen = ctx;
    ck_assert_uint_lt(seen->count, ARRAY_LEN(seen->at));
    seen->at[seen->count++] = *sample;
}

static const struct seen *look(const char *id, int64_t from_s, int64_t to_s) {
    static struct seen seen;
    seen.count = 0;
    ck_assert_msg(store_metrics_each(store, id, from_s, to_s, on_sample, &seen, &err), "%s",
                  err.message);
    for (size_t i = 1; i < seen.count; i++)
        ck_assert_int_lt(seen.at[i - 1].at_s, seen.at[i].at_s);
    return &seen;
}

START_TEST(found_again_by_sandbox_and_time) {
    add(BEGIN, both, 2, 1.5);
    add(BEGIN + 5, one, 1, 2.5);
    ck_assert_uint_eq(look("one", 0, BEGIN * 2LL)->count, 2);
    const struct seen *seen = look("two", 0, BEGIN * 2LL);
    ck_assert_uint_eq(seen->count, 1);
    ck_assert_str_eq(seen->at[0].sandbox_id, "two");
    ck_assert_double_eq(seen->at[0].cpu_percent, 2.5);
    ck_assert_int_eq(seen->at[0].disk_total, 10LL << 30);
    ck_assert_uint_eq(look("one", BEGIN + 1, BEGIN + 5)->count, 1);
    ck_assert_uint_eq(look("one", BEGIN, BEGIN)->count, 1);
    ck_assert_uint_eq(look("one", BEGIN - HOUR, BEGIN - 1)->count, 0);
    ck_assert_uint_eq(look("three", 0, BEGIN * 2LL)->count, 0);
}
END_TEST

START_TEST(newest_only_while_fresh) {
    struct metrics_sample sample;
    bool found;
    add(BEGIN, both, 2, 1);
    add(BEGIN + 5, one, 1, 7);
    ck_assert(store_metrics_last(store, "one", BEGIN, &sample, &found, &err));
    ck_assert(found);
    ck_assert_double_eq(sample.cpu_percent, 7);
    ck_assert(store_metrics_last(store, "two", BEGIN, &sample, &found, &err));
    ck_assert(found);
    ck_assert(store_metrics_last(store, "two", BEGIN + 1, &sample, &found, &err));
    ck_assert(!found);
}
END_TEST

START_TEST(old_ones_are_joined_minute_by_minute) {
    for (int i = 0; i < 36; i++)
        add(BEGIN + 5 * i, both, 2, i);
    /* two of the three minutes are more than an hour old */
    ck_assert(store_metrics_fold(store, BEGIN + 150 + HOUR, &err));
    const struct seen *seen = look("one", 0, BEGIN * 2LL);
    ck_assert_uint_eq(seen->count, 2 + 12);
    ck_assert_int_eq(seen->at[0].at_s, BEGIN);
    ck_assert_double_eq(seen->at[0].cpu_percent, 5.5); /* of 0 to 11 */
    ck_assert_int_eq(seen->at[1].at_s, BEGIN + 60);
    ck_assert_double_eq(seen->at[1].cpu_percent, 17.5);
    ck_assert_int_eq(seen->at[1].memory_used, 1750);
    ck_assert_int_eq(seen->at[1].cpus, 2);
    ck_assert_int_eq(seen->at[2].at_s, BEGIN + 120);
    ck_assert_double_eq(look("two", 0, BEGIN * 2LL)->at[0].cpu_percent, 6.5);
    /* again, and nothing changes */
    ck_assert(store_metrics_fold(store, BEGIN + 150 + HOUR, &err));
    ck_assert_uint_eq(look("one", 0, BEGIN * 2LL)->count, 2 + 12);
}
END_TEST

static void on_tick(void *ctx, const struct metrics_tick *tick) {
    struct metrics_tick *ticks = ctx;
    while (ticks->span_s)
        ticks++;
    *ticks = *tick;
}

START_TEST(ticks_keep_the_most_and_the_sum) {
    struct metrics_tick ticks[8] = {0};
    add(BEGIN, one, 1, 0);
    add(BEGIN + 5, both, 2, 0);
    add(BEGIN + 10, NULL, 0, 0);
    ck_assert(store_metrics_fold(store, BEGIN + 60 + HOUR, &err));
    add(BEGIN + HOUR, one, 1, 0);
    ck_assert(store_metrics_each_tick(store, BEGIN, BEGIN + DAY, on_tick, ticks, &err));
    ck_assert_int_eq(ticks[0].span_s, 60);
    ck_assert_int_eq(ticks[0].sandboxes, 2);
    ck_assert_int_eq(ticks[0].started, 3);
    ck_assert_int_eq(ticks[1].span_s, METRICS_SPAN_S);
    ck_assert_int_eq(ticks[2].span_s, 0);
}
END_TEST

/* A sandbox that lives on and on: what is kept of it stops growing. */
START_TEST(bounded_and_gone_after_a_week) {
    size_t most = 0;
    for (int64_t at = BEGIN; at < BEGIN + 9 * DAY; at += 300) {
        add(at, one, 1, 1);
        ck_assert(store_metrics_fold(store, at, &err));
        if (at % DAY == 0)
            most = MAX(most, look("one", 0, at)->count);
    }
    const struct seen *seen = look("one", 0, BEGIN + 10 * DAY);
    ck_assert_uint_le(most, 12 + 288 + 7 * 96 + 2);
    ck_assert_uint_le(seen->count, 12 + 288 + 7 * 96 + 2);
    ck_assert_int_ge(seen->at[0].at_s, BEGIN + 2 * DAY - 900);
    ck_assert(store_metrics_fold(store, BEGIN + 30 * DAY, &err)); /* nobody looked for long */
    ck_assert(store_metrics_fold(store, BEGIN + 30 * DAY, &err));
    ck_assert_uint_eq(look("one", 0, BEGIN + 60 * DAY)->count, 0);
}
END_TEST

/* ---- without control groups ---- */

enum { EATEN = 32 << 20 };

/* Dies with its parent. */
static void work_and_wait(int ready) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    void *memory = mmap(NULL, EATEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int64_t until = clock_mono_us() + 60000;
    memset(memory, 1, EATEN);
    while (clock_mono_us() < until)
        ;
    ck_assert_int_eq(write(ready, "", 1), 1);
    pause();
}

/* One that does nothing, and its child that does. */
static pid_t start_family(void) {
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0)
            work_and_wait(ready[1]);
        pause();
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    return pid;
}

START_TEST(processes_are_summed_up_by_parentage) {
    struct proc_usage processes = {0};
    struct guest_usage usage = {
        .cpu_us = -1, .memory_bytes = -1, .memory_cache_bytes = 5, .processes = -1};
    struct guest_usage unknown = {.cpu_us = -1};
    pid_t pid = start_family();
    proc_usage_fill(&processes, pid, &usage);
    proc_usage_fill(&processes, 0x7ffffff0, &unknown);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    proc_usage_free(&processes);
    ck_assert_int_eq(usage.processes, 2);
    ck_assert_int_ge(usage.memory_bytes, EATEN);
    ck_assert_int_lt(usage.memory_bytes, 4LL * EATEN);
    ck_assert_int_ge(usage.cpu_us, 10000);
    ck_assert_int_eq(usage.memory_cache_bytes, 5); /* was known */
    ck_assert_int_eq(unknown.cpu_us, -1);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("metrics");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, found_again_by_sandbox_and_time);
    tcase_add_test(cases, newest_only_while_fresh);
    tcase_add_test(cases, old_ones_are_joined_minute_by_minute);
    tcase_add_test(cases, ticks_keep_the_most_and_the_sum);
    tcase_add_test(cases, bounded_and_gone_after_a_week);
    tcase_add_test(cases, processes_are_summed_up_by_parentage);
    return unit_run("metrics", cases);
}
