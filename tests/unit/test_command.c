/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser of the command line, on a tree of its own: what each way of writing means, which
 * mistakes are told and how, and what counts in spite of them.
 */
#include "cli/parse.h"
#include "cli/suggest.h"
#include "cli/table.h"
#include "cli/value.h"
#include "tests/unit/unit.h"

#include <string.h>

static const char *const colours[] = {"red", "green", NULL};

static const struct option_spec options[] = {
    {.name = "all", .letter = 'a', .type = OPTION_BOOL, .help = "x"},
    {.name = "big", .letter = 'b', .type = OPTION_BOOL, .help = "x"},
    {.name = "name", .letter = 'n', .type = OPTION_STRING, .help = "x", .env = "TEST_NAME"},
    {.name = "limit",
     .letter = 'l',
     .type = OPTION_INTEGER,
     .help = "x",
     .fallback = "7",
     .min = 1,
     .max = 100},
    {.name = "timeout", .type = OPTION_DURATION, .help = "x", .min = 30, .max = INT64_MAX},
    {.name = "memory", .type = OPTION_SIZE, .help = "x"},
    {.name = "env", .letter = 'e', .type = OPTION_PAIR, .help = "x"},
    {.name = "label", .type = OPTION_LIST, .help = "x"},
    {.name = "colour", .type = OPTION_CHOICE, .help = "x", .choices = colours},
    {.name = "life.time", .type = OPTION_STRING, .help = "x"},
    {.name = "secret", .type = OPTION_BOOL, .help = "x", .hidden = true},
    {0},
};

static const struct command list = {
    .name = "list",
    .aliases = {"ls"},
    .arguments = "[thing] [other]",
    .max_args = 2,
    .options = options,
};
static const struct command exec = {
    .name = "exec",
    .arguments = "<sandboxID> [--] <command...>",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_REST | COMMAND_API,
    .options = options,
};
static const struct command shy = {.name = "lost", .flags = COMMAND_HIDDEN};
static const struct command noun = {
    .name = "sandbox",
    .aliases = {"sbx", "box"},
    .children = (const struct command *const[]){&list, &exec, &shy, NULL},
};
static const struct command top = {
    .name = "e2b",
    .children = (const struct command *const[]){&noun, NULL},
};

static struct parse parse;
static struct error err;

#define LINE(...) line((const char *[]){"e2b", __VA_ARGS__, NULL})

static void line(const char **argv) {
    int argc = 0;
    while (argv[argc])
        argc++;
    parse_free(&parse);
    err = (struct error)ERROR_INIT;
    parse_line(&parse, &top, argc, (char **)(uintptr_t)argv, &err);
}

static const struct option_value *value(const char *name) {
    const struct option_value *found = options_find(&parse.options, name);
    ck_assert_ptr_nonnull(found);
    return found;
}

#define ASSERT_FINE() ck_assert_msg(err.kind == ERR_NONE, "%s", err.message)
#define ASSERT_WRONG(text, advice)                                                                 \
    do {                                                                                           \
        ck_assert_int_eq(err.kind, ERR_USAGE);                                                     \
        ck_assert_str_eq(err.message, text);                                                       \
        ck_assert_str_eq(err.hint, advice);                                                        \
    } while (0)

static void cleanup_parse(void) {
    parse_free(&parse);
}

START_TEST(finds_commands_by_name_and_alias) {
    LINE("sandbox", "list");
    ASSERT_FINE();
    ck_assert_ptr_eq(parse_leaf(&parse), &list);
    LINE("box", "ls");
    ck_assert_ptr_eq(parse_leaf(&parse), &list);
    LINE("sandbox");
    ASSERT_FINE();
    ck_assert_ptr_eq(parse_leaf(&parse), &noun);
}
END_TEST

START_TEST(reads_options_in_every_spelling) {
    LINE("sbx", "ls", "-abnjoe", "--limit=9", "--timeout", "1h30m", "--memory=2g", "--life.time",
         "x");
    ASSERT_FINE();
    ck_assert(value("all")->number && value("big")->number);
    ck_assert_str_eq(value("name")->text, "joe");
    ck_assert_int_eq(value("limit")->number, 9);
    ck_assert_int_eq(value("timeout")->number, 5400);
    ck_assert_int_eq(value("memory")->number, INT64_C(2) << 30);
    ck_assert_str_eq(value("life.time")->text, "x");
    LINE("sbx", "ls", "-n", "-l", "--no-all", "--name=");
    ASSERT_FINE();
    ck_assert_str_eq(value("name")->text, "");
    ck_assert(value("all")->given && !value("all")->number);
}
END_TEST

START_TEST(last_one_wins_but_lists_grow) {
    LINE("sbx", "ls", "-a", "--no-all", "-l1", "-l2", "-eA=1", "--env", "B=x=y", "--label", "p");
    ASSERT_FINE();
    ck_assert(!value("all")->number);
    ck_assert_int_eq(value("limit")->number, 2);
    ck_assert_uint_eq(value("env")->count, 2);
    ck_assert_str_eq(value("env")->list[0], "A=1");
    ck_assert_str_eq(value("env")->list[1], "B=x=y");
    ck_assert_uint_eq(value("label")->count, 1);
}
END_TEST

START_TEST(falls_back_on_environment_and_default) {
    LINE("sbx", "ls");
    ck_assert(!value("limit")->given && value("limit")->number == 7);
    ck_assert_ptr_null(value("name")->text);
    setenv("TEST_NAME", "from env", 1);
    LINE("sbx", "ls");
    ck_assert_str_eq(value("name")->text, "from env");
    ck_assert_str_eq(value("name")->env, "TEST_NAME");
    LINE("sbx", "ls", "-n", "typed");
    ck_assert_str_eq(value("name")->text, "typed");
    ck_assert_ptr_null(value("name")->env);
    setenv("TEST_NAME", "", 1);
    LINE("sbx", "ls");
    ck_assert(!value("name")->given);
}
END_TEST

START_TEST(separates_arguments) {
    LINE("sbx", "ls", "a", "-a", "-");
    ASSERT_FINE();
    ck_assert_int_eq(parse.arg_count, 2);
    ck_assert_str_eq(parse.args[1], "-");
    ck_assert_int_eq(parse.dash, -1);
    ck_assert_ptr_null(parse.args[2]);
    LINE("sbx", "ls", "a", "--", "--all");
    ASSERT_FINE();
    ck_assert_int_eq(parse.dash, 1);
    ck_assert_str_eq(parse.args[1], "--all");
    ck_assert(!value("all")->given);
}
END_TEST

START_TEST(leaves_a_command_line_alone) {
    LINE("sbx", "exec", "-a", "id", "ls", "-l", "--help", "--", "x");
    ASSERT_FINE();
    ck_assert(value("all")->number && !parse_flag(&parse, "help"));
    ck_assert_int_eq(parse.arg_count, 6);
    ck_assert_str_eq(parse.args[4], "--");
    LINE("sbx", "exec", "id", "--", "ls", "--", "x");
    ASSERT_FINE();
    ck_assert_int_eq(parse.arg_count, 4);
    ck_assert_str_eq(parse.args[1], "ls");
    ck_assert_str_eq(parse.args[2], "--");
    LINE("sbx", "exec", "--", "id", "-x");
    ASSERT_FINE();
    ck_assert_int_eq(parse.dash, 0);
    ck_assert_str_eq(parse.args[1], "-x");
}
END_TEST

static const struct {
    const char *words[4];
    const char *message, *hint;
} mistakes[] = {
    {{"sbx", "lst"}, "unknown command 'lst'", "Did you mean one of list, ls?"},
    {{"exec", "x"}, "unknown command 'exec'", "Did you mean sandbox exec?"},
    {{"sandbx"}, "unknown command 'sandbx'", "Did you mean sandbox?"},
    {{"zzzzzz"}, "unknown command 'zzzzzz'", ""},
    {{"sbx", "ls", "--limt", "3"}, "unknown option '--limt'", "Did you mean --limit?"},
    {{"sbx", "ls", "--limt=3"}, "unknown option '--limt'", "Did you mean --limit?"},
    {{"sbx", "ls", "--secre"}, "unknown option '--secre'", ""},
    {{"sbx", "ls", "-ax"}, "unknown option '-x'", ""},
    {{"sbx", "ls", "--no-name"}, "unknown option '--no-name'", "Did you mean --name?"},
    {{"sbx", "ls", "--context", "x"}, "unknown option '--context'", ""},
    {{"sbx", "ls", "--all=yes"}, "option '--all' takes no value", ""},
    {{"sbx", "ls", "-l"}, "option '-l, --limit <number>' argument missing", ""},
    {{"sbx", "ls", "-l", "101"},
     "option '-l, --limit <number>' argument '101' is invalid",
     "it must be between 1 and 100"},
    {{"sbx", "ls", "-l", "abc"},
     "option '-l, --limit <number>' argument 'abc' is invalid",
     "it must be a whole number"},
    {{"sbx", "ls", "--timeout=29"},
     "option '--timeout <duration>' argument '29' is invalid",
     "it must be at least 30"},
    {{"sbx", "ls", "--colour=blue"},
     "option '--colour <choice>' argument 'blue' is invalid",
     "allowed choices are red, green"},
    {{"sbx", "ls", "-e", "=1"},
     "option '-e, --env <KEY=VALUE>' argument '=1' is invalid",
     "write it as KEY=VALUE"},
    {{"sbx", "exec"}, "missing required argument 'sandboxID'", ""},
    {{"sbx", "exec", "id"}, "missing required argument 'command'", ""},
    {{"ls"}, "unknown command 'ls'", "Did you mean sandbox list?"},
};

START_TEST(tells_mistakes) {
    const char *argv[6] = {"e2b"};
    memcpy(argv + 1, mistakes[_i].words, sizeof(mistakes[_i].words));
    line(argv);
    ASSERT_WRONG(mistakes[_i].message, mistakes[_i].hint);
}
END_TEST

START_TEST(counts_arguments) {
    LINE("sbx", "ls", "1", "2", "3");
    ASSERT_WRONG("too many arguments for 'list'. Expected 2 arguments but got 3", "");
}
END_TEST

START_TEST(goes_on_behind_a_mistake) {
    LINE("sbx", "ls", "--bogus", "--name", "joe", "--help");
    ASSERT_WRONG("unknown option '--bogus'", "");
    ck_assert(parse_flag(&parse, "help"));
    ck_assert_str_eq(value("name")->text, "joe");
    LINE("--help", "sbx", "ls");
    ASSERT_FINE();
    ck_assert(parse_flag(&parse, "help"));
    ck_assert_ptr_eq(parse_leaf(&parse), &list);
    LINE("sbx", "help", "ls");
    ASSERT_FINE();
    ck_assert(parse_flag(&parse, "help"));
    ck_assert_ptr_eq(parse_leaf(&parse), &list);
}
END_TEST

START_TEST(knows_which_value_is_missing) {
    LINE("sbx", "ls", "--colour");
    ck_assert_str_eq(parse.options.missing->name, "colour");
    LINE("sbx", "ls", "--colour", "red");
    ck_assert_ptr_null(parse.options.missing);
}
END_TEST

static const struct {
    const char *text;
    int64_t bytes; /* -1: refused */
} sizes[] = {
    {"0", 0},
    {"512", 512},
    {"64k", 65536},
    {"10M", 10 << 20},
    {"2g", INT64_C(2) << 30},
    {"1t", INT64_C(1) << 40},
    {"", -1},
    {"k", -1},
    {"-1", -1},
    {"1kb", -1},
    {"1x", -1},
    {" 1", -1},
    {"1.5g", -1},
    {"9999999999g", -1},
    {"99999999999999999999", -1},
};

START_TEST(reads_sizes) {
    const struct option_spec spec = {.name = "size", .type = OPTION_SIZE};
    int64_t bytes = -1;
    ck_assert_int_eq(value_parse(&spec, sizes[_i].text, &bytes, &err), sizes[_i].bytes >= 0);
    if (sizes[_i].bytes >= 0)
        ck_assert_int_eq(bytes, sizes[_i].bytes);
    else
        ck_assert_str_eq(err.hint, "write it as 512, 64k, 10m or 2g");
}
END_TEST

START_TEST(suggests_only_what_is_near) {
    const char *const names[] = {"create", "connect", "rm", "x", NULL};
    const struct {
        const char *typed, *hint;
    } cases[] = {
        {"craete", "Did you mean create?"},
        {"conect", "Did you mean connect?"},
        {"mr", "Did you mean rm?"},
        {"y", ""},
        {"destroy", ""},
        {"", ""},
        {"creatcreatecreatecreatecreatecreatecreatecreate", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        error_set(&err, ERR_USAGE, "x");
        suggest(cases[i].typed, names, &err);
        ck_assert_str_eq(err.hint, cases[i].hint);
    }
}
END_TEST

START_TEST(prints_tables) {
    cleanup_table struct table table;
    cleanup_free char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    table_init(&table, (const char *const[]){"ID", "STATE", "NOTE"}, 3);
    table_add(&table, (const char *const[]){"i1", NULL, "a\033[2Jb\n"});
    table_add(&table, (const char *const[]){"i2345", "Running", ""});
    table_print(&table, out);
    fclose(out);
    ck_assert_str_eq(text, "ID      STATE     NOTE\n"
                           "i1                a?[2Jb?\n"
                           "i2345   Running\n");
}
END_TEST

int main(void) {
    TCase *all = tcase_create("command");
    tcase_add_checked_fixture(all, NULL, cleanup_parse);
    tcase_add_test(all, finds_commands_by_name_and_alias);
    tcase_add_test(all, reads_options_in_every_spelling);
    tcase_add_test(all, last_one_wins_but_lists_grow);
    tcase_add_test(all, falls_back_on_environment_and_default);
    tcase_add_test(all, separates_arguments);
    tcase_add_test(all, leaves_a_command_line_alone);
    tcase_add_loop_test(all, tells_mistakes, 0, (int)ARRAY_LEN(mistakes));
    tcase_add_test(all, counts_arguments);
    tcase_add_test(all, goes_on_behind_a_mistake);
    tcase_add_test(all, knows_which_value_is_missing);
    tcase_add_loop_test(all, reads_sizes, 0, (int)ARRAY_LEN(sizes));
    tcase_add_test(all, suggests_only_what_is_near);
    tcase_add_test(all, prints_tables);
    return unit_run("command", all);
}
