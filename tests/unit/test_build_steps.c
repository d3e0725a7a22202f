/* SPDX-License-Identifier: Apache-2.0
 *
 * What steps mean: how they change what the next one finds, what is run for them, and what tells
 * one layer from another.
 */
#include "backend/core/build_steps.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct build_state state;

static void set_up(void) {
    state = (struct build_state){.user = strdup("user"), .workdir = strdup("")};
}

static void tear_down(void) {
    build_state_free(&state);
}

static struct build_step step_of(const char *name, char **args, size_t count) {
    struct build_step step = {.args = args, .count = count};
    ck_assert(build_step_parse_type(name, &step.type));
    strncpy(step.name, name, sizeof(step.name) - 1);
    return step;
}

static void apply(const char *name, const char *first, const char *second, const char *last) {
    struct error err = ERROR_INIT;
    char *args[] = {(char *)(uintptr_t)first, (char *)(uintptr_t)second};
    const struct build_step step = step_of(name, args, second ? 2 : 1);
    ck_assert_msg(step_apply(&step, &state, last, &err), "%s", err.message);
}

START_TEST(variables_are_expanded_and_nothing_else_is) {
    apply("ENV", "A", "x", "");
    apply("ARG", "B", "$A-${A}-${A:-y}-${NONE}-${NONE:-d}-$NONE", "");
    ck_assert_str_eq(pairs_get(&state.args, "B"), "x-x-x--d-");
    apply("ENV", "C", "$(id) `id` \"$1\" $ ${A+b} ${NONE:+b} ${A%x} \\$A", "");
    ck_assert_str_eq(pairs_get(&state.env, "C"), "$(id) `id` \"$1\" $ b  ${A%x} \\x");
    apply("ENV", "PATH", "/opt/bin:$PATH", "");
    ck_assert_str_eq(pairs_get(&state.env, "PATH"),
                     "/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    apply("ENV", "A", "again", "");
    ck_assert_uint_eq(state.env.count, 3);
    ck_assert_ptr_null(pairs_get(&state.env, "B")); /* no sandbox sees it */
    apply("ENV", "D", "$B", "");
    ck_assert_str_eq(pairs_get(&state.env, "D"), "x-x-x--d-");
    apply("ARG", "D", "hidden", "");
    apply("ENV", "E", "$D", "");
    ck_assert_str_eq(pairs_get(&state.env, "E"), "x-x-x--d-");
}
END_TEST

START_TEST(directories_are_joined) {
    apply("WORKDIR", "app", NULL, "");
    ck_assert_str_eq(state.workdir, "/app");
    apply("WORKDIR", "sub", NULL, "");
    ck_assert_str_eq(state.workdir, "/app/sub");
    apply("WORKDIR", "/", NULL, "");
    apply("WORKDIR", "x", NULL, "");
    ck_assert_str_eq(state.workdir, "/x");
}
END_TEST

START_TEST(a_user_is_what_the_sandbox_says) {
    struct error err = ERROR_INIT;
    struct step_command command = {.user = NULL};
    char group[] = "1000:1000", bad[] = "a b;reboot";
    char *args[] = {group};
    struct build_step step = step_of("USER", args, 1);
    ck_assert(step_prepare(&step, &state, false, &command, &err));
    ck_assert_str_eq(command.argv[4], "1000");
    ck_assert_str_eq(command.user, "root");
    step_command_free(&command);
    args[0] = bad;
    ck_assert(!step_prepare(&step, &state, false, &command, &err));
    apply("USER", group, NULL, "worker");
    ck_assert_str_eq(state.user, "worker");
}
END_TEST

START_TEST(a_copy_begins_where_no_wildcard_is) {
    static const char *const cases[][2] = {{"a/b.txt", "a/b.txt"}, {"folder/*", "folder/"},
                                           {"src/fo*.c", "src/"},  {"*.txt", "."},
                                           {"a[bc]/d", "."},       {".", "."}};
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct step_command command;
        char dest[] = "/to", *args[] = {strdup(cases[i][0]), dest};
        const struct build_step step = step_of("COPY", args, 2);
        ck_assert(step_prepare(&step, &state, true, &command, &err));
        ck_assert_str_eq(command.argv[4], cases[i][1]);
        ck_assert_str_eq(command.argv[6], "user");
        ck_assert_str_eq(command.argv[8], "z");
        step_command_free(&command);
        free(args[0]);
    }
}
END_TEST

START_TEST(the_usual_directories_stay_in_path) {
    struct error err = ERROR_INIT;
    struct step_command command;
    apply("ENV", "PATH", "/it's:/usr/bin", "");
    ck_assert(step_shell("true", &state, &command, &err));
    ck_assert_str_eq(
        command.argv[4],
        "PATH='/it'\\''s:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin'; "
        "export PATH; true");
    step_command_free(&command);
}
END_TEST

START_TEST(keys_differ_where_the_steps_do) {
    struct error err = ERROR_INIT;
    char a[] = "a", b[] = "b", ab[] = "ab", empty[] = "";
    char *two[] = {a, b}, *one[] = {ab, empty};
    char first[KEPT_KEY], second[KEPT_KEY], again[KEPT_KEY];
    const struct build_step x = step_of("RUN", two, 2), y = step_of("RUN", one, 2);
    ck_assert(step_key("", &x, first, &err) && step_key("", &y, second, &err));
    ck_assert_str_ne(first, second);
    ck_assert(step_key("", &x, again, &err));
    ck_assert_str_eq(first, again);
    ck_assert(step_key(first, &x, again, &err));
    ck_assert_str_ne(first, again);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("steps");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, variables_are_expanded_and_nothing_else_is);
    tcase_add_test(tests, directories_are_joined);
    tcase_add_test(tests, a_user_is_what_the_sandbox_says);
    tcase_add_test(tests, a_copy_begins_where_no_wildcard_is);
    tcase_add_test(tests, the_usual_directories_stay_in_path);
    tcase_add_test(tests, keys_differ_where_the_steps_do);
    return unit_run("build_steps", tests);
}
