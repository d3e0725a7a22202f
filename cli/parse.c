/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk down the tree and along the words.
 */
#include "cli/parse.h"

#include "cli/alloc.h"
#include "cli/suggest.h"
#include "common/buf.h"

#include <stdio.h>
#include <string.h>

static bool is_called(const struct command *command, const char *word) {
    if (strcmp(command->name, word) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(command->aliases) && command->aliases[i]; i++)
        if (strcmp(command->aliases[i], word) == 0)
            return true;
    return false;
}

const struct command *parse_child(const struct command *noun, const char *word) {
    for (size_t i = 0; noun->children && noun->children[i]; i++)
        if (is_called(noun->children[i], word))
            return noun->children[i];
    return NULL;
}

/* `e2b run` for `e2b sandbox run`. */
static bool hint_at_nouns(const struct command *noun, const char *word, struct error *err) {
    cleanup_buf struct buf list = BUF_INIT(256);
    int found = 0;
    for (size_t i = 0; noun->children[i]; i++) {
        const struct command *child = noun->children[i], *verb = parse_child(child, word);
        if (verb && !((child->flags | verb->flags) & COMMAND_HIDDEN) &&
            !buf_printf(&list, "%s%s %s", found++ ? ", " : "", child->name, verb->name))
            return false;
    }
    if (found)
        error_hint(err, "Did you mean %s%s?", found > 1 ? "one of " : "", list.data);
    return found;
}

bool parse_unknown(const struct command *noun, const char *word, struct error *err) {
    enum { MOST = 128 };
    const char *names[MOST + 1];
    size_t count = 0;
    error_set(err, ERR_USAGE, "unknown command '%s'", word);
    if (hint_at_nouns(noun, word, err))
        return false;
    for (size_t i = 0; noun->children[i]; i++) {
        const struct command *child = noun->children[i];
        if (child->flags & COMMAND_HIDDEN)
            continue;
        for (size_t a = 0; a <= ARRAY_LEN(child->aliases) && count < MOST; a++) {
            const char *name = a ? child->aliases[a - 1] : child->name;
            if (!name)
                break;
            names[count++] = name;
        }
    }
    names[count] = NULL;
    return suggest(word, names, err);
}

static void note(struct error *first, const struct error *err) {
    if (first->kind == ERR_NONE)
        *first = *err;
}

static void enter(struct parse *parse, const struct command *command) {
    if (parse->depth < PARSE_DEPTH)
        parse->path[parse->depth++] = command;
    options_use(&parse->options, command);
}

static bool is_option(const char *word) {
    return word[0] == '-' && word[1];
}

/* `e2b sandbox help list` is `e2b sandbox list --help`. */
static bool is_help_word(const struct parse *parse, const char *word) {
    return strcmp(word, "help") == 0 && parse_leaf(parse)->children && parse->depth > 1;
}

/* A word that is no option. False: the words behind it are no options either. */
static bool take_word(struct parse *parse, char *word, struct error *err) {
    const struct command *here = parse_leaf(parse);
    if (here->children) {
        const struct command *child = parse_child(here, word);
        struct error mistake = ERROR_INIT;
        if (child) {
            enter(parse, child);
            return true;
        }
        if (!is_help_word(parse, word)) {
            parse_unknown(here, word, &mistake);
            note(err, &mistake);
            parse->args[parse->arg_count++] = word;
            return false;
        }
        char help[] = "--help";
        char *line[] = {help};
        int at = 0;
        options_take(&parse->options, 1, line, &at, &mistake);
        return true;
    }
    parse->args[parse->arg_count++] = word;
    return !(here->flags & COMMAND_REST);
}

static void take_rest(struct parse *parse, int argc, char **argv, int at) {
    if (at < argc && strcmp(argv[at], "--") == 0) {
        parse->dash = parse->arg_count;
        at++;
    }
    while (at < argc)
        parse->args[parse->arg_count++] = argv[at++];
}

static void take_words(struct parse *parse, int argc, char **argv, struct error *err) {
    int at = 1;
    while (at < argc) {
        struct error mistake = ERROR_INIT;
        if (strcmp(argv[at], "--") == 0)
            return take_rest(parse, argc, argv, at);
        if (is_option(argv[at])) {
            if (!options_take(&parse->options, argc, argv, &at, &mistake))
                note(err, &mistake);
        } else if (!take_word(parse, argv[at++], err)) {
            return take_rest(parse, argc, argv, at);
        }
    }
}

/* Copies the name of the nth argument out of "<sandboxID> [--] <command...>". */
static void argument_name(const char *arguments, int nth, char *name, size_t size) {
    const char *at = arguments ? arguments : "";
    snprintf(name, size, "argument");
    for (; (at = strpbrk(at, "<[")); at++) {
        size_t len = strcspn(at + 1, ".>]");
        if (at[1] != '-' && nth-- == 0) {
            snprintf(name, size, "%.*s", (int)len, at + 1);
            return;
        }
    }
}

static bool check_count(const struct parse *parse, struct error *err) {
    const struct command *leaf = parse_leaf(parse);
    char name[64];
    if (parse->arg_count < leaf->min_args) {
        argument_name(leaf->arguments, parse->arg_count, name, sizeof(name));
        return error_set(err, ERR_USAGE, "missing required argument '%s'", name);
    }
    if (leaf->max_args >= 0 && parse->arg_count > leaf->max_args)
        return error_set(
            err, ERR_USAGE, "too many arguments for '%s'. Expected %d argument%s but got %d",
            leaf->name, leaf->max_args, leaf->max_args == 1 ? "" : "s", parse->arg_count);
    return true;
}

void parse_line(struct parse *parse, const struct command *root, int argc, char **argv,
                struct error *err) {
    struct error mistake = ERROR_INIT;
    *parse = (struct parse){.dash = -1};
    parse->args = alloc_array(NULL, (size_t)argc + 1, sizeof(*parse->args));
    enter(parse, root);
    take_words(parse, argc, argv, err);
    parse->args[parse->arg_count] = NULL;
    if (!options_finish(&parse->options, &mistake))
        note(err, &mistake);
    if (!parse_leaf(parse)->children && !check_count(parse, &mistake))
        note(err, &mistake);
}

void parse_free(struct parse *parse) {
    options_free(&parse->options);
    free(parse->args);
    parse->args = NULL;
}

bool parse_flag(const struct parse *parse, const char *name) {
    const struct option_value *value = options_find(&parse->options, name);
    return value && value->number;
}
