/* SPDX-License-Identifier: Apache-2.0
 *
 * Sandboxes that are made ahead: who gets one, and that none is left behind. timeout: 120
 */
#include "tests/unit/runtime_fixture.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

enum { SPARES = 2, BURST = 6 };

static struct world w;
static char out[WORLD_OUTPUT];

static void setup(void) {
    world_open_with_spares(&w, SPARES);
}

static void on_dropped(void *ctx) {
    *(unsigned *)ctx = 1;
}

static void drop(void) {
    unsigned dropped = 0;
    runtime_drop_spares(w.rt, on_dropped, &dropped);
    world_wait(&w, &dropped, 1);
}

static void teardown(void) {
    drop();
    world_close(&w);
}

static unsigned sandboxes(void) {
    char path[4200];
    unsigned count = 0;
    const struct dirent *entry;
    snprintf(path, sizeof(path), "%s/sandboxes", world_state());
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

/* Names the plan after a spare as soon as there is one. */
static void wait_for_spare(struct plan *plan) {
    while (!runtime_spare(w.rt, plan))
        uv_run(&w.loop, UV_RUN_ONCE);
}

START_TEST(the_next_like_it_is_there_already) {
    struct guest *first = world_create(&w);
    struct plan plan;
    world_plan(&w, 99, &plan);
    plan.network.internet = true;
    wait_for_spare(&plan);
    const pid_t before = guest_pid(first);
    struct guest *second = world_carry_out(&w, &plan);
    ck_assert_int_ne(guest_pid(second), before);
    ck_assert_int_eq(world_shell(&w, second, "hostname; id -un", out), 0);
    ck_assert_ptr_eq(strstr(out, plan.id), out);
    world_kill(&w, second);
    world_kill(&w, first);
    drop();
    ck_assert_uint_eq(sandboxes(), 0);
}
END_TEST

START_TEST(after_a_burst_there_are_as_many_for_the_next) {
    for (unsigned i = 0; i < BURST; i++)
        world_begin(&w, i);
    world_wait(&w, &w.ready, BURST);
    while (sandboxes() < 2 * BURST)
        uv_run(&w.loop, UV_RUN_ONCE);
    for (unsigned i = 0; i < BURST; i++)
        world_kill(&w, w.guests[i]);
    drop();
    ck_assert_uint_eq(sandboxes(), 0);
}
END_TEST

START_TEST(another_template_or_limit_gets_none) {
    struct guest *first = world_create(&w);
    struct plan plan, other;
    world_plan(&w, 99, &plan);
    wait_for_spare(&plan);
    world_plan(&w, 98, &other);
    other.limits.memory_bytes /= 2;
    ck_assert(!runtime_spare(w.rt, &other));
    world_plan(&w, 98, &other);
    strcpy(other.template_id, "other");
    ck_assert(!runtime_spare(w.rt, &other));
    world_plan(&w, 98, &other);
    other.resumes = true;
    ck_assert(!runtime_spare(w.rt, &other));
    world_kill(&w, first);
}
END_TEST

START_TEST(rules_of_the_network_reach_a_spare_before_anything_runs_in_it) {
    static const char *const denied[] = {"0.0.0.0/0"};
    struct guest *first = world_create(&w);
    struct plan plan;
    world_plan(&w, 99, &plan);
    wait_for_spare(&plan);
    plan.network = (struct plan_network){.deny = denied, .deny_count = 1};
    struct guest *second = world_carry_out(&w, &plan);
    ck_assert_int_eq(world_shell(&w, second, "cat /proc/net/route | awk '$2 == \"00000000\"'", out),
                     0);
    ck_assert_str_eq(out, "");
    world_kill(&w, second);
    world_kill(&w, first);
}
END_TEST

static bool is_known(void *ctx, const char *id) {
    (void)ctx, (void)id;
    return false;
}

START_TEST(they_do_not_outlive_the_daemon) {
    struct plan plan;
    struct guest *first = world_create(&w);
    world_plan(&w, 99, &plan);
    wait_for_spare(&plan);
    world_kill(&w, first);
    world_close(&w); /* without a word to them, as when it is killed */
    world_open(&w);
    runtime_sweep(w.rt, is_known, NULL);
    ck_assert_uint_eq(sandboxes(), 0);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("spares");
    tcase_add_unchecked_fixture(tests, world_prepare, NULL);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_next_like_it_is_there_already);
    tcase_add_test(tests, after_a_burst_there_are_as_many_for_the_next);
    tcase_add_test(tests, another_template_or_limit_gets_none);
    tcase_add_test(tests, rules_of_the_network_reach_a_spare_before_anything_runs_in_it);
    tcase_add_test(tests, they_do_not_outlive_the_daemon);
    return unit_run("spares", tests);
}
