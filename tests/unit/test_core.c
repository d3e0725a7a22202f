/* SPDX-License-Identifier: Apache-2.0
 *
 * Sandboxes over a runtime in memory: what is made, recorded, found, timed, ended, and found again
 * by the next daemon.
 */
#include "backend/store/sandboxes.h"
#include "tests/unit/core_fixture.h"

#include <stdio.h>
#include <string.h>

static int idle_told;

static void on_idle(void *ctx, bool idle) {
    (void)ctx;
    idle_told += idle ? 1 : 100;
}

static void set_up(void) {
    core_prepare();
    core_config.idle_changed = on_idle;
    idle_told = 0;
    start_core();
}

START_TEST(a_sandbox_is_made_as_asked) {
    struct sandbox_request request = {.template_ref = " E2BDEV/Base:default ",
                                      .timeout_s = 60,
                                      .secure = true,
                                      .network = {.internet = true}};
    pairs_put(&request.metadata, "a", "b");
    const int64_t before_ms = steady_now_ms();
    struct sandbox *sandbox = create_with(request).sandbox;
    ck_assert_str_eq(fake.last_plan.id, sandbox->id);
    ck_assert_str_eq(fake.last_plan.template_id, sandbox->template_id);
    ck_assert(fake.last_plan.network.internet);
    ck_assert_uint_eq(strlen(sandbox->access_token), 64);
    ck_assert_str_eq(pairs_get(&sandbox->metadata, "a"), "b");
    ck_assert_int_ge(sandbox->end_ms, before_ms + 60000);
    ck_assert_int_ge(fake.last_deadline, steady_boot_s(sandbox->end_ms));
    ck_assert_ptr_eq(sandbox_find(core, sandbox->id, &err), sandbox);
    ck_assert_int_eq(idle_told, 100);
}
END_TEST

START_TEST(names_are_resolved_or_refused) {
    static const struct {
        const char *reference;
        enum error_kind kind;
        const char *text;
    } cases[] = {
        {"nothing", ERR_NOT_FOUND, "template 'nothing' not found"},
        {"base:old", ERR_NOT_FOUND, "tag 'old' does not exist for template 'base'"},
        {"other/base", ERR_NOT_FOUND, "template 'other/base' not found"},
        {"", ERR_INVALID, "invalid template reference"},
        {"a b", ERR_INVALID, "invalid template reference"},
        {"base:", ERR_INVALID, "invalid template reference"},
        {"a/b/c", ERR_INVALID, "invalid template reference"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct created created = create_with(
            (struct sandbox_request){.template_ref = cases[i].reference, .timeout_s = 1});
        ck_assert_ptr_null(created.sandbox);
        ck_assert_int_eq(created.err.kind, cases[i].kind);
        ck_assert_msg(strstr(created.err.message, cases[i].text) != NULL, "%s",
                      created.err.message);
    }
    ck_assert_uint_eq(fake.created, 0);
}
END_TEST

START_TEST(limits_hold) {
    struct created created;
    created = create_with((struct sandbox_request){.template_ref = "base", .timeout_s = 0});
    ck_assert_str_eq(created.err.message, "Timeout must be greater than 0");
    created = create_with((struct sandbox_request){.template_ref = "base", .timeout_s = 86401});
    ck_assert_str_eq(created.err.message, "Timeout cannot be greater than 24 hours");
    stop_core();
    core_config.max_sandboxes = 2;
    start_core();
    create(60);
    create(60);
    created = create_with((struct sandbox_request){.template_ref = "base", .timeout_s = 60});
    ck_assert_int_eq(created.err.kind, ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(created.err.message, "concurrent E2B sandboxes (2)"));
}
END_TEST

START_TEST(memory_that_is_not_there_is_not_given) {
    ck_assert(limits_memory("MemTotal: 100 kB\nMemAvailable:  300000 kB\n", &err));
    ck_assert(!limits_memory("MemTotal: 100 kB\nMemAvailable:  200000 kB\n", &err));
    ck_assert_int_eq(err.kind, ERR_UNAVAILABLE);
    ck_assert(err.hint[0]);
}
END_TEST

START_TEST(a_failed_start_leaves_nothing) {
    fake.refuse_create = true;
    struct created created =
        create_with((struct sandbox_request){.template_ref = "base", .timeout_s = 60});
    ck_assert_int_eq(created.err.kind, ERR_NO_SPACE);
    ck_assert_uint_eq(sandbox_count(core), 0);
    ck_assert_ptr_null(sandbox_first(core));
    ck_assert_int_eq(idle_told, 101);
}
END_TEST

START_TEST(ids_are_found_or_refused) {
    struct sandbox *sandbox = create(60);
    char name[64];
    snprintf(name, sizeof(name), "%s-6532622b", sandbox->id);
    ck_assert_ptr_eq(sandbox_find(core, name, &err), sandbox);
    static const char *const wrong[] = {"", "a-b-c", "Abc", "i.x", "../x", "-abc"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        ck_assert_ptr_null(sandbox_find(core, wrong[i], &err));
        ck_assert_str_eq(err.message, "Invalid sandbox ID");
    }
    ck_assert_ptr_null(sandbox_find(core, "iaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &err));
    ck_assert_int_eq(err.kind, ERR_NOT_FOUND);
    ck_assert_ptr_null(sandbox_find(core, "inothere", &err));
    ck_assert_str_eq(err.message,
                     "Sandbox \"inothere\" doesn't exist or you don't have access to it");
}
END_TEST

START_TEST(a_kill_is_done_once) {
    struct sandbox *sandbox = create(60);
    char id[ID_SANDBOX];
    bool gone = false;
    snprintf(id, sizeof(id), "%s", sandbox->id);
    ck_assert(sandbox_kill(sandbox, "request", on_flag, &gone));
    ck_assert(!sandbox_kill(sandbox, "request", on_flag, &gone));
    ck_assert_ptr_null(sandbox_find(core, id, &err));
    ck_assert_int_eq(err.kind, ERR_CONFLICT);
    ck_assert_ptr_null(sandbox_first(core));
    wait_for(&gone);
    ck_assert_ptr_null(sandbox_find(core, id, &err));
    ck_assert_int_eq(err.kind, ERR_NOT_FOUND);
    ck_assert_uint_eq(fake.killed, 1);
    ck_assert_int_eq(idle_told, 101);
}
END_TEST

START_TEST(time_ends_a_sandbox) {
    struct sandbox *first = create(1), *second = create(3600);
    char id[ID_SANDBOX];
    snprintf(id, sizeof(id), "%s", first->id);
    while (fake_alive() == 2)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_ptr_null(sandbox_find(core, id, &err));
    ck_assert_ptr_eq(sandbox_first(core), second);
    ck_assert_int_ge(clock_now_ms(), second->started_ms + 900);
}
END_TEST

START_TEST(time_is_extended_and_cut) {
    struct sandbox *sandbox = create(60);
    int64_t end_ms = sandbox->end_ms;
    ck_assert(sandbox_set_timeout(sandbox, 30, true, &err));
    ck_assert_int_eq(sandbox->end_ms, end_ms);
    ck_assert(sandbox_set_timeout(sandbox, 30, false, &err));
    ck_assert_int_lt(sandbox->end_ms, end_ms);
    ck_assert(sandbox_set_timeout(sandbox, 1000000, true, &err));
    ck_assert_int_le(sandbox->end_ms, steady_now_ms() + 24 * 3600 * 1000);
    ck_assert(sandbox_set_timeout(sandbox, -5, false, &err));
    while (fake_alive())
        uv_run(&loop, UV_RUN_ONCE);
}
END_TEST

START_TEST(a_sandbox_that_dies_is_gone) {
    struct sandbox *sandbox = create(60);
    fake_guest_dies(sandbox->id);
    while (sandbox_count(core))
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(fake.killed, 1);
}
END_TEST

START_TEST(the_list_is_newest_first) {
    struct sandbox *made[20];
    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        made[i] = create(60);
    struct sandbox *at = sandbox_first(core), *older;
    size_t count = 1;
    for (; (older = sandbox_older(at)); at = older, count++)
        ck_assert(at->started_ms > older->started_ms ||
                  (at->started_ms == older->started_ms && strcmp(at->id, older->id) < 0));
    ck_assert_uint_eq(count, ARRAY_LEN(made));
}
END_TEST

START_TEST(the_next_daemon_goes_on) {
    struct sandbox *kept = create(3600), *lost = create(3600), *late = create(3600);
    char id[ID_SANDBOX], token[65], lost_id[ID_SANDBOX];
    ck_assert(sandbox_set_access(kept, true, &err));
    snprintf(id, sizeof(id), "%s", kept->id);
    snprintf(token, sizeof(token), "%s", kept->access_token);
    snprintf(lost_id, sizeof(lost_id), "%s", lost->id);
    ck_assert(store_sandbox_set_end(store, late->id, steady_now_ms() - 1, &err));
    stop_core();
    ck_assert_uint_eq(fake.released, 3);
    fake_add_stray("istray");
    start_core();
    bool recovered = false;
    ck_assert(core_recover(core, on_flag, &recovered, &err));
    wait_for(&recovered);
    ck_assert_uint_eq(fake.swept, 2); /* the late one and the stray */
    struct sandbox *again = sandbox_find(core, id, &err);
    ck_assert_ptr_nonnull(again);
    ck_assert(sandbox_set_access(again, true, &err));
    ck_assert_str_eq(again->access_token, token);
    ck_assert_str_eq(again->alias, "base");
    ck_assert_ptr_nonnull(sandbox_find(core, lost_id, &err));
    ck_assert_uint_eq(sandbox_count(core), 2);
}
END_TEST

START_TEST(what_died_with_the_daemon_is_recorded) {
    create(3600);
    stop_core();
    fake_reset();
    start_core();
    bool recovered = false;
    ck_assert(core_recover(core, on_flag, &recovered, &err));
    wait_for(&recovered);
    ck_assert_uint_eq(sandbox_count(core), 0);
    stop_core();
    start_core();
    recovered = false;
    ck_assert(core_recover(core, on_flag, &recovered, &err));
    ck_assert(recovered); /* nothing left to ask for */
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("core");
    tcase_add_checked_fixture(cases, set_up, core_tear_down);
    tcase_add_test(cases, a_sandbox_is_made_as_asked);
    tcase_add_test(cases, names_are_resolved_or_refused);
    tcase_add_test(cases, limits_hold);
    tcase_add_test(cases, memory_that_is_not_there_is_not_given);
    tcase_add_test(cases, a_failed_start_leaves_nothing);
    tcase_add_test(cases, ids_are_found_or_refused);
    tcase_add_test(cases, a_kill_is_done_once);
    tcase_add_test(cases, time_ends_a_sandbox);
    tcase_add_test(cases, time_is_extended_and_cut);
    tcase_add_test(cases, a_sandbox_that_dies_is_gone);
    tcase_add_test(cases, the_list_is_newest_first);
    tcase_add_test(cases, the_next_daemon_goes_on);
    tcase_add_test(cases, what_died_with_the_daemon_is_recorded);
    return unit_run("core", cases);
}
