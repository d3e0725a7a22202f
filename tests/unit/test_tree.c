/* SPDX-License-Identifier: Apache-2.0
 *
 * The real command tree: what every table must hold, and that every example parses to the command
 * it is an example of.
 */
#include "cli/parse.h"
#include "cli/value.h"
#include "tests/unit/unit.h"

#include <ctype.h>
#include <string.h>

enum { WORDS_MAX = 64, TEXT_MAX = 512 };

static void each(const struct command *command, void (*visit)(const struct command *)) {
    visit(command);
    for (size_t i = 0; command->children && command->children[i]; i++)
        each(command->children[i], visit);
}

static void check_command(const struct command *command) {
    const char *text = command->summary;
    ck_assert_msg(text && islower((unsigned char)text[0]), "%s: summary", command->name);
    ck_assert_msg(text[strlen(text) - 1] != '.', "%s: summary ends with '.'", command->name);
    ck_assert_msg(!command->handler != !command->children, "%s: handler or children",
                  command->name);
    ck_assert_msg(command->max_args < 0 || command->max_args >= command->min_args, "%s: arguments",
                  command->name);
    ck_assert_msg(!command->max_args == !command->arguments, "%s: arguments", command->name);
    ck_assert_msg(!command->description || strlen(command->description) > 0, "%s", command->name);
}

START_TEST(tables_are_whole) {
    each(&command_root, check_command);
}
END_TEST

static void check_children(const struct command *noun) {
    for (size_t i = 0; noun->children && noun->children[i]; i++) {
        const struct command *child = noun->children[i];
        ck_assert_msg(parse_child(noun, child->name) == child, "%s: taken twice", child->name);
        for (size_t a = 0; a < ARRAY_LEN(child->aliases) && child->aliases[a]; a++)
            ck_assert_msg(parse_child(noun, child->aliases[a]) == child, "%s: taken twice",
                          child->aliases[a]);
    }
}

START_TEST(names_are_unique) {
    each(&command_root, check_children);
}
END_TEST

static void check_option(const struct command *command, const struct option_spec *spec) {
    struct error err = ERROR_INIT;
    int64_t number;
    ck_assert_msg(spec->help && spec->help[0], "%s --%s: help", command->name, spec->name);
    ck_assert_msg(spec->type != OPTION_CHOICE || spec->choices, "%s --%s: choices", command->name,
                  spec->name);
    ck_assert_msg(spec->type != OPTION_BOOL || (!spec->fallback && !spec->env),
                  "%s --%s: a flag is off until it is typed", command->name, spec->name);
    ck_assert_msg(!spec->value || !strpbrk(spec->value, "<>"), "%s --%s: brackets", command->name,
                  spec->name);
    ck_assert_msg(!spec->fallback || value_parse(spec, spec->fallback, &number, &err),
                  "%s --%s: default: %s", command->name, spec->name, err.hint);
}

/* "--no-x" beside "--x" would be its negation as well. */
static bool negates(const struct option_spec *spec, const struct option_spec *other) {
    return strncmp(spec->name, "no-", 3) == 0 && strcmp(spec->name + 3, other->name) == 0;
}

static void check_options(const struct command *command) {
    const struct option_spec *specs[OPTIONS_MAX];
    size_t count = options_of(command, specs);
    for (size_t i = 0; i < count; i++) {
        check_option(command, specs[i]);
        for (size_t other = 0; other < i; other++) {
            ck_assert_msg(strcmp(specs[i]->name, specs[other]->name) != 0, "%s --%s twice",
                          command->name, specs[i]->name);
            ck_assert_msg(!negates(specs[i], specs[other]) && !negates(specs[other], specs[i]),
                          "%s --%s means two things", command->name, specs[i]->name);
            ck_assert_msg(!specs[i]->letter || specs[i]->letter != specs[other]->letter,
                          "%s -%c twice", command->name, specs[i]->letter);
        }
    }
}

START_TEST(options_are_whole) {
    each(&command_root, check_options);
}
END_TEST

/* Cuts the words of the `e2b` call out of a shell line; `line` is changed. */
static int split(char *line, char **words) {
    int count = 0;
    char *from = strstr(line, "e2b "), *to = from;
    bool in_word = false;
    char quote = '\0';
    for (; from && *from; from++) {
        if (!quote && strchr("|;)&><", *from))
            break;
        if (!quote && *from == ' ') {
            in_word = false;
            *to++ = '\0';
        } else if (*from == quote || (!quote && (*from == '"' || *from == '\''))) {
            quote = quote ? '\0' : *from;
        } else {
            if (!in_word && count < WORDS_MAX)
                words[count++] = to;
            in_word = true;
            *to++ = *from;
        }
    }
    if (to)
        *to = '\0';
    return count;
}

static void check_example(const struct command *command, const char *example) {
    char line[TEXT_MAX];
    char *words[WORDS_MAX + 1] = {NULL};
    struct error err = ERROR_INIT;
    struct parse parse;
    bool ours = false;
    ck_assert_uint_lt(strlen(example), sizeof(line));
    strcpy(line, example);
    int count = split(line, words);
    words[count] = NULL;
    ck_assert_msg(count > 0, "%s: \"%s\" does not call e2b", command->name, example);
    parse_line(&parse, &command_root, count, words, &err);
    ck_assert_msg(err.kind == ERR_NONE, "%s: \"%s\": %s", command->name, example, err.message);
    for (size_t i = 0; i < parse.depth; i++)
        ours = ours || parse.path[i] == command;
    ck_assert_msg(ours, "%s: \"%s\" is not about it", command->name, example);
    parse_free(&parse);
}

static void check_examples(const struct command *command) {
    const char *const *examples = command->examples;
    ck_assert_msg(examples && examples[0], "%s has no example", command->name);
    for (size_t i = 0; examples[i]; i += 2) {
        ck_assert_msg(examples[i + 1] != NULL, "%s: an example without words", command->name);
        check_example(command, examples[i]);
    }
}

START_TEST(examples_parse) {
    each(&command_root, check_examples);
}
END_TEST

int main(void) {
    TCase *all = tcase_create("tree");
    tcase_add_test(all, tables_are_whole);
    tcase_add_test(all, names_are_unique);
    tcase_add_test(all, options_are_whole);
    tcase_add_test(all, examples_parse);
    return unit_run("tree", all);
}
