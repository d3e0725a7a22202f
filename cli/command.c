/* SPDX-License-Identifier: Apache-2.0
 *
 * From a parsed line to an exit status: help, version, or the command's handler; and the one place
 * where an error is printed.
 */
#include "cli/command.h"

#include "cli/context.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/report.h"

#include <string.h>

enum { EXIT_HUNG_UP = 128 + 13 }; /* as if SIGPIPE had ended it */

static const struct option_value *value_of(const struct invocation *in, const char *name) {
    for (size_t i = 0; i < in->value_count; i++)
        if (strcmp(in->values[i].spec->name, name) == 0)
            return &in->values[i];
    abort();
}

bool option_bool(const struct invocation *in, const char *name) {
    return value_of(in, name)->number != 0;
}

bool option_given(const struct invocation *in, const char *name) {
    return value_of(in, name)->given;
}

const char *option_string(const struct invocation *in, const char *name) {
    return value_of(in, name)->text;
}

int64_t option_number(const struct invocation *in, const char *name) {
    return value_of(in, name)->number;
}

size_t option_list(const struct invocation *in, const char *name, const char *const **values) {
    const struct option_value *value = value_of(in, name);
    *values = value->list;
    return value->count;
}

/* Was JSON asked for? Where no command was found, nobody knows its options: then the usual one
 * counts, as the words behind the unknown one are all arguments. */
static bool wants_json(const struct parse *parse) {
    const struct option_value *format = options_find(&parse->options, "format");
    if (!parse_leaf(parse)->children)
        return format && format->text && strcmp(format->text, "json") == 0;
    for (int i = 0; i < parse->arg_count; i++) {
        const char *word = parse->args[i], *next = parse->args[i + 1];
        bool named = strcmp(word, "--format") == 0 || strcmp(word, "-f") == 0;
        if (strcmp(word, "--format=json") == 0 || strcmp(word, "-fjson") == 0 ||
            (named && next && strcmp(next, "json") == 0))
            return true;
    }
    return false;
}

static int fail(const struct parse *parse, const struct error *err) {
    bool as_json = wants_json(parse);
    fflush(stdout); /* what was printed before stands before */
    report_error(err, as_json);
    if (err->kind == ERR_USAGE && !as_json)
        help_print_usage(parse->path, parse->depth, stderr);
    return report_status(err);
}

/* The server of a command that has one. A local-only command never looks at the environment. */
static bool find_context(const struct parse *parse, struct context *context, struct error *err) {
    const struct option_value *chosen = options_find(&parse->options, "context");
    if (parse_leaf(parse)->flags & COMMAND_LOCAL)
        return context_resolve(context, "local", "the command", err);
    const char *chosen_by = chosen->env ? chosen->env : "--context";
    bool found = context_resolve(context, chosen->text, chosen_by, err);
    if (context->warning[0] && !wants_json(parse))
        fprintf(stderr, "warning: %s\n", context->warning);
    return found;
}

/* Only for people: what a command prints on standard error is its own. */
static void print_progress(const char *line) {
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "%s\n", line);
}

bool invocation_open(struct invocation *in, struct error *err) {
    in->client = client_open(&in->context->target, in->command->flags & COMMAND_MAY_START, err);
    return in->client;
}

static int run_handler(struct invocation *in, struct context *context, struct error *err) {
    unsigned flags = in->command->flags;
    context->target.progress = print_progress;
    bool opens = flags & COMMAND_API && !(flags & COMMAND_LATE);
    int status = !opens || invocation_open(in, err) ? in->command->handler(in, err) : -1;
    client_close(in->client);
    return status;
}

static int run(const struct parse *parse, struct error *err) {
    struct context context = {0};
    struct invocation in = {
        .command = parse_leaf(parse),
        .args = parse->args,
        .arg_count = parse->arg_count,
        .dash = parse->dash,
        .values = parse->options.values,
        .value_count = parse->options.count,
    };
    int status = -1;
    in.context = &context;
    if (!(in.command->flags & (COMMAND_API | COMMAND_LOCAL)) || find_context(parse, &context, err))
        status = run_handler(&in, &context, err);
    context_free(&context);
    return status;
}

static int dispatch(const struct parse *parse, const struct error *mistake, struct error *err) {
    if (parse_flag(parse, "help")) {
        help_print(parse->path, parse->depth, stdout);
        return EXIT_OK;
    }
    if (mistake->kind != ERR_NONE) {
        *err = *mistake;
        return -1;
    }
    if (parse->depth == 1 && parse_flag(parse, "version")) {
        puts(PACKAGE_VERSION);
        return EXIT_OK;
    }
    if (parse_leaf(parse)->children) {
        help_print(parse->path, parse->depth, stderr);
        return EXIT_FAILED;
    }
    return run(parse, err);
}

int command_main(int argc, char **argv) {
    struct parse parse;
    struct error mistake = ERROR_INIT, err = ERROR_INIT;
    bool hung_up = false;
    parse_line(&parse, &command_root, argc, argv, &mistake);
    int status = dispatch(&parse, &mistake, &err);
    if (status < 0)
        status = fail(&parse, &err);
    if (!output_finish(&hung_up, &err) && status == EXIT_OK)
        status = hung_up ? EXIT_HUNG_UP : fail(&parse, &err);
    parse_free(&parse);
    return status;
}
