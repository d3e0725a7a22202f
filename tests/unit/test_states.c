/* SPDX-License-Identifier: Apache-2.0
 *
 * The states of a sandbox over a runtime in memory: what follows what, who waits for whom, what is
 * recorded, and that layers go with the last that is made of them.
 */
#include "tests/unit/core_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static void set_up(void) {
    core_prepare();
    core_config.max_sandboxes = 4;
    start_core();
}

/* ---- asking and waiting ----------------------------------------------------------------------
 */

struct answer {
    bool done, resumed;
    struct sandbox *sandbox;
    const struct template *snapshot;
    unsigned forks;
    enum error_kind kind;
};

static void give(struct answer *answer, const struct error *failure) {
    answer->done = true;
    answer->kind = failure ? failure->kind : ERR_NONE;
}

static void on_created(void *ctx, struct sandbox *sandbox, const struct error *failure) {
    struct answer *answer = ctx;
    answer->sandbox = sandbox;
    give(answer, failure);
}

static void on_changed(void *ctx, const struct error *failure) {
    give(ctx, failure);
}

static void on_resumed(void *ctx, struct sandbox *sandbox, bool resumed,
                       const struct error *failure) {
    struct answer *answer = ctx;
    answer->sandbox = sandbox;
    answer->resumed = resumed;
    give(answer, failure);
}

static void on_snapshot(void *ctx, const struct template *snapshot, const struct error *failure) {
    struct answer *answer = ctx;
    answer->snapshot = snapshot;
    give(answer, failure);
}

static void on_forked(void *ctx, const struct fork_result *results, unsigned count,
                      const struct error *failure) {
    struct answer *answer = ctx;
    for (unsigned i = 0; i < count; i++)
        answer->forks += results[i].id[0] != '\0';
    give(answer, failure);
}

static void await(const struct answer *answer) {
    wait_for(&answer->done);
}

static struct sandbox *make(const char *template_ref, struct sandbox_lifecycle lifecycle) {
    struct answer answer = {.done = false};
    struct sandbox_request request = {
        .template_ref = template_ref, .timeout_s = 60, .lifecycle = lifecycle};
    sandbox_create(core, &request, on_created, &answer);
    await(&answer);
    ck_assert_ptr_nonnull(answer.sandbox);
    return answer.sandbox;
}

static enum error_kind pause_it(const struct sandbox *sandbox, bool keep_memory) {
    struct answer answer = {.done = false};
    sandbox_pause(core, sandbox->id, keep_memory, on_changed, &answer);
    await(&answer);
    return answer.kind;
}

static struct answer resume_it(const struct sandbox *sandbox) {
    struct answer answer = {.done = false};
    sandbox_resume(core, sandbox->id, &(struct sandbox_resume){.timeout_s = 60}, on_resumed,
                   &answer);
    await(&answer);
    return answer;
}

static void kill_it(struct sandbox *sandbox) {
    bool gone = false;
    ck_assert(sandbox_kill(sandbox, "request", on_flag, &gone));
    while (!gone)
        uv_run(&loop, UV_RUN_ONCE);
}

/* The types of all events, oldest first, a letter each. */
static const char *events(void) {
    static const char letters[] = "?CUPRKS";
    static char text[64];
    size_t len = 0;
    sqlite3 *db;
    sqlite3_stmt *s;
    ck_assert_int_eq(sqlite3_open(state_path, &db), SQLITE_OK);
    sqlite3_prepare_v2(db, "SELECT type FROM events ORDER BY seq", -1, &s, NULL);
    while (sqlite3_step(s) == SQLITE_ROW && len < sizeof(text) - 1)
        text[len++] = letters[sqlite3_column_int(s, 0)];
    text[len] = '\0';
    sqlite3_finalize(s);
    sqlite3_close(db);
    return text;
}

static const struct sandbox_lifecycle dies = {.keeps_memory = true};

/* ---- pausing ---------------------------------------------------------------------------------
 */

START_TEST(each_change_is_recorded_once) {
    struct sandbox *sandbox = make("base", dies);
    char execution[ID_UUID];
    memcpy(execution, sandbox->execution_id, sizeof(execution));
    ck_assert_uint_eq(pause_it(sandbox, true), ERR_NONE);
    ck_assert_uint_eq(pause_it(sandbox, true), ERR_CONFLICT);
    ck_assert_ptr_null(sandbox_find(core, sandbox->id, &err));
    ck_assert_uint_eq(err.kind, ERR_CONFLICT);
    ck_assert_ptr_nonnull(sandbox_lookup(core, sandbox->id, &err));
    ck_assert_uint_eq(fake.stopped, 0);
    ck_assert(resume_it(sandbox).resumed);
    ck_assert_str_ne(sandbox->execution_id, execution);
    ck_assert_str_eq(events(), "CPR");
    ck_assert(!resume_it(sandbox).resumed); /* it runs: its time is extended, or long enough */
    kill_it(sandbox);
    ck_assert_int_eq(events()[strlen(events()) - 1], 'K');
}
END_TEST

START_TEST(without_memory_what_ran_ends_and_starts_anew) {
    struct sandbox *sandbox = make("base", dies);
    ck_assert_uint_eq(pause_it(sandbox, false), ERR_NONE);
    ck_assert_uint_eq(fake.stopped, 1);
    ck_assert_uint_ge(fake.synced, 1);
    ck_assert_ptr_null(sandbox->guest);
    ck_assert(resume_it(sandbox).resumed);
    ck_assert(fake.last_plan.resumes);
    ck_assert_uint_eq(fake.created, 2);
    ck_assert_uint_eq(pause_it(sandbox, false), ERR_NONE);
    kill_it(sandbox);
    ck_assert_uint_eq(fake.discarded, 1);
}
END_TEST

START_TEST(one_that_cannot_be_paused_or_resumed_stays_as_it_is) {
    struct sandbox *sandbox = make("base", dies);
    fake.refuse_pause = true;
    ck_assert_uint_eq(pause_it(sandbox, true), ERR_TIMEOUT);
    ck_assert(sandbox_is_running(sandbox));
    fake.refuse_pause = false;
    ck_assert_uint_eq(pause_it(sandbox, false), ERR_NONE);
    fake.refuse_create = true;
    ck_assert_uint_eq(resume_it(sandbox).kind, ERR_NO_SPACE);
    ck_assert_uint_eq(sandbox->state, SANDBOX_PAUSED);
    fake.refuse_create = false;
    ck_assert(resume_it(sandbox).resumed);
    ck_assert_str_eq(events(), "CPR");
}
END_TEST

START_TEST(who_asks_during_a_change_waits_for_its_end) {
    struct sandbox *sandbox = make("base", dies);
    struct answer pause = {.done = false}, first = pause, second = pause;
    const struct sandbox_resume how = {.timeout_s = 60};
    sandbox_pause(core, sandbox->id, true, on_changed, &pause);
    sandbox_resume(core, sandbox->id, &how, on_resumed, &first);
    sandbox_resume(core, sandbox->id, &how, on_resumed, &second);
    ck_assert(!pause.done && !first.done && !second.done);
    await(&second);
    ck_assert(pause.done && first.resumed && !second.resumed);
    ck_assert_ptr_eq(second.sandbox, sandbox);
}
END_TEST

START_TEST(a_kill_during_a_change_comes_after_it) {
    struct sandbox *sandbox = make("base", dies);
    struct answer pause = {.done = false}, late = pause;
    bool gone = false;
    sandbox_pause(core, sandbox->id, true, on_changed, &pause);
    ck_assert(sandbox_kill(sandbox, "request", on_flag, &gone));
    ck_assert(!sandbox_kill(sandbox, "request", NULL, NULL));
    sandbox_resume(core, sandbox->id, &(struct sandbox_resume){.timeout_s = 60}, on_resumed, &late);
    ck_assert(late.done && late.kind == ERR_CONFLICT);
    while (!gone)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert(pause.done);
    ck_assert_str_eq(events(), "CPK");
    ck_assert_uint_eq(sandbox_count(core), 0);
}
END_TEST

START_TEST(who_resumes_one_that_is_killed_meanwhile_hears_that) {
    struct sandbox *sandbox = make("base", dies);
    struct answer resume = {.done = false};
    bool gone = false;
    ck_assert_uint_eq(pause_it(sandbox, true), ERR_NONE);
    sandbox_resume(core, sandbox->id, &(struct sandbox_resume){.timeout_s = 60}, on_resumed,
                   &resume);
    ck_assert(sandbox_kill(sandbox, "request", on_flag, &gone));
    await(&resume);
    ck_assert_uint_eq(resume.kind, ERR_CONFLICT);
    wait_for(&gone);
}
END_TEST

/* Asks for routes, and pauses it before they are set. */
static void deny_all(struct sandbox *sandbox, struct answer *answer) {
    struct network_rules rules = {.internet = true, .deny_count = 1};
    rules.deny = malloc(sizeof(*rules.deny));
    rules.deny[0] = strdup("0.0.0.0/0");
    sandbox_set_network(sandbox, &rules, on_changed, answer);
    ck_assert_uint_eq(pause_it(sandbox, false), ERR_NONE);
    ck_assert(!answer->done);
}

START_TEST(routes_that_stood_before_a_pause_are_recorded) {
    struct answer answer = {.done = false};
    struct sandbox *sandbox = make("base", dies);
    deny_all(sandbox, &answer);
    fake_routes_are_set(NULL);
    ck_assert_uint_eq(answer.kind, ERR_NONE);
    ck_assert_uint_eq(sandbox->network.deny_count, 1);
    ck_assert_str_eq(events(), "CPU");
}
END_TEST

START_TEST(who_sets_routes_of_one_that_is_paused_meanwhile_hears_that) {
    struct answer answer = {.done = false};
    struct error gone = ERROR_INIT;
    struct sandbox *sandbox = make("base", dies);
    error_set(&gone, ERR_INTERNAL, "it is gone");
    deny_all(sandbox, &answer);
    fake_routes_are_set(&gone);
    ck_assert_uint_eq(answer.kind, ERR_CONFLICT);
    ck_assert_uint_eq(sandbox->network.deny_count, 0);
}
END_TEST

START_TEST(a_paused_one_does_not_count_but_must_fit_again) {
    struct sandbox *sandbox = make("base", dies);
    ck_assert_uint_eq(pause_it(sandbox, true), ERR_NONE);
    for (int i = 0; i < 4; i++)
        make("base", dies);
    ck_assert_uint_eq(resume_it(sandbox).kind, ERR_LIMIT);
    kill_it(sandbox_first(core));
    ck_assert(resume_it(sandbox).resumed);
}
END_TEST

START_TEST(its_end_pauses_one_that_wants_that) {
    struct sandbox *sandbox =
        make("base", (struct sandbox_lifecycle){.pauses = true, .keeps_memory = true});
    ck_assert(sandbox_set_timeout(sandbox, 0, false, &err));
    while (sandbox->state != SANDBOX_PAUSED)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(sandbox->paused, PAUSED_IN_MEMORY);
    ck_assert_uint_eq(fake.killed, 0);
}
END_TEST

START_TEST(a_paused_one_whose_processes_die_starts_anew) {
    struct sandbox *sandbox = make("base", dies);
    ck_assert_uint_eq(pause_it(sandbox, true), ERR_NONE);
    fake_guest_dies(sandbox->id);
    ck_assert(resume_it(sandbox).resumed);
    ck_assert(fake.last_plan.resumes);
}
END_TEST

START_TEST(the_next_daemon_finds_it_paused) {
    struct sandbox *sandbox = make("base", dies);
    struct sandbox *other = make("base", dies);
    char ids[2][ID_SANDBOX];
    bool found = false;
    memcpy(ids[0], sandbox->id, ID_SANDBOX);
    memcpy(ids[1], other->id, ID_SANDBOX);
    ck_assert_uint_eq(pause_it(sandbox, true), ERR_NONE);
    ck_assert_uint_eq(pause_it(other, false), ERR_NONE);
    stop_core();
    start_core();
    ck_assert(core_recover(core, on_flag, &found, &err));
    while (!found)
        uv_run(&loop, UV_RUN_ONCE);
    sandbox = sandbox_lookup(core, ids[0], &err);
    other = sandbox_lookup(core, ids[1], &err);
    ck_assert(sandbox && sandbox->guest && sandbox->paused == PAUSED_IN_MEMORY);
    ck_assert(other && !other->guest && other->paused == PAUSED_ON_DISK);
    ck_assert(resume_it(sandbox).resumed && resume_it(other).resumed);
}
END_TEST

/* ---- copies ----------------------------------------------------------------------------------
 */

START_TEST(a_layer_goes_with_the_last_that_is_made_of_it) {
    struct sandbox *sandbox = make("base", dies);
    struct answer made = {.done = false};
    sandbox_snapshot(core, sandbox->id, "Mine", on_snapshot, &made);
    await(&made);
    ck_assert_str_eq(made.snapshot->name, "mine");
    ck_assert_str_eq(made.snapshot->tag, "default");
    ck_assert_uint_eq(fake.layers, 1);
    struct sandbox *copy = make("mine", dies);
    ck_assert_uint_eq(fake.last_lowers, 2);
    ck_assert(!template_delete(core, "mine", &err));
    kill_it(copy);
    ck_assert_uint_eq(fake.layers, 1);
    err = (struct error)ERROR_INIT;
    ck_assert_msg(template_delete(core, "mine:default", &err), "%s", err.message);
    ck_assert_uint_eq(fake.layers, 0);
    ck_assert(!template_delete(core, "mine", &err));
    ck_assert_uint_eq(err.kind, ERR_NOT_FOUND);
    ck_assert_str_eq(events(), "CSCK");
}
END_TEST

START_TEST(a_name_goes_to_the_newest_snapshot) {
    struct sandbox *sandbox = make("base", dies);
    struct answer first = {.done = false}, second = first;
    sandbox_snapshot(core, sandbox->id, "mine:v1", on_snapshot, &first);
    await(&first);
    sandbox_snapshot(core, sandbox->id, "mine:v1", on_snapshot, &second);
    await(&second);
    ck_assert_str_eq(first.snapshot->name, "");
    ck_assert_ptr_eq(template_resolve(core, "mine:v1", &err), second.snapshot);
    ck_assert_ptr_eq(template_resolve(core, first.snapshot->id, &err), first.snapshot);
    char id[ID_TEMPLATE];
    snprintf(id, sizeof(id), "%s", second.snapshot->id);
    stop_core();
    start_core();
    ck_assert_str_eq(template_resolve(core, "mine:v1", &err)->id, id);
    struct answer refused = {.done = false};
    sandbox_snapshot(core, "i", "base", on_snapshot, &refused);
    ck_assert(refused.done && refused.kind == ERR_INVALID);
}
END_TEST

START_TEST(forks_share_one_copy_and_say_which_failed) {
    struct sandbox *sandbox = make("base", dies);
    struct answer many = {.done = false}, forked = many;
    sandbox_fork(core, sandbox->id, 60, 4, on_forked, &many);
    ck_assert(many.done && many.kind == ERR_INVALID);
    sandbox_fork(core, sandbox->id, 60, 3, on_forked, &forked);
    await(&forked);
    ck_assert_uint_eq(forked.forks, 3);
    ck_assert_uint_eq(fake.layers, 1);
    ck_assert_str_eq(events(), "CSRRR");
    for (int i = 0; i < 3; i++)
        kill_it(sandbox_first(core) == sandbox ? sandbox_older(sandbox_first(core))
                                               : sandbox_first(core));
    ck_assert_uint_eq(fake.layers, 0);
    struct answer failed = {.done = false};
    fake.refuse_create = true;
    sandbox_fork(core, sandbox->id, 60, 2, on_forked, &failed);
    await(&failed);
    ck_assert_uint_eq(failed.kind, ERR_NONE);
    ck_assert_uint_eq(failed.forks, 0);
    ck_assert_uint_eq(fake.layers, 0);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("states");
    tcase_add_checked_fixture(cases, set_up, core_tear_down);
    tcase_add_test(cases, each_change_is_recorded_once);
    tcase_add_test(cases, without_memory_what_ran_ends_and_starts_anew);
    tcase_add_test(cases, one_that_cannot_be_paused_or_resumed_stays_as_it_is);
    tcase_add_test(cases, who_asks_during_a_change_waits_for_its_end);
    tcase_add_test(cases, a_kill_during_a_change_comes_after_it);
    tcase_add_test(cases, who_resumes_one_that_is_killed_meanwhile_hears_that);
    tcase_add_test(cases, routes_that_stood_before_a_pause_are_recorded);
    tcase_add_test(cases, who_sets_routes_of_one_that_is_paused_meanwhile_hears_that);
    tcase_add_test(cases, a_paused_one_does_not_count_but_must_fit_again);
    tcase_add_test(cases, its_end_pauses_one_that_wants_that);
    tcase_add_test(cases, a_paused_one_whose_processes_die_starts_anew);
    tcase_add_test(cases, the_next_daemon_finds_it_paused);
    tcase_add_test(cases, a_layer_goes_with_the_last_that_is_made_of_it);
    tcase_add_test(cases, a_name_goes_to_the_newest_snapshot);
    tcase_add_test(cases, forks_share_one_copy_and_say_which_failed);
    return unit_run("states", cases);
}
