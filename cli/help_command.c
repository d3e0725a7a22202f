/* SPDX-License-Identifier: Apache-2.0
 *
 * `e2b help`: of a command, of the exit statuses, or the tree in another form.
 */
#include "cli/help.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/report.h"
#include "cli/root.h"
#include "cli/tree.h"
#include "common/json.h"

#include <string.h>

static void print_exit_codes(void) {
    puts("Exit statuses:\n");
    for (const struct report_code *code = report_codes; code->meaning; code++)
        printf("  %3d  %s\n", code->status, code->meaning);
    puts("\nCommands that run a program in a sandbox end with that program's own status.");
}

struct path {
    const struct command *steps[PARSE_DEPTH];
    size_t depth;
};

static bool find_path(const struct invocation *in, struct path *path, struct error *err) {
    *path = (struct path){.steps = {&command_root}, .depth = 1};
    for (int i = 0; i < in->arg_count; i++) {
        const struct command *here = path->steps[path->depth - 1];
        const struct command *child = parse_child(here, in->args[i]);
        if (!child && here->children)
            return parse_unknown(here, in->args[i], err);
        if (!child || path->depth == PARSE_DEPTH)
            return error_set(err, ERR_USAGE, "'%s' has no commands below it", here->name);
        path->steps[path->depth++] = child;
    }
    return true;
}

static bool print_json(const struct path *path, struct error *err) {
    cleanup_json json_t *tree = tree_json(path->steps[path->depth - 1]);
    if (!tree)
        return error_set(err, ERR_INTERNAL, "out of memory");
    output_json(stdout, tree);
    return true;
}

static int help(struct invocation *in, struct error *err) {
    const char *format = option_string(in, "format");
    struct path path;
    if (in->arg_count == 1 && strcmp(in->args[0], "exit-codes") == 0) {
        print_exit_codes();
        return EXIT_OK;
    }
    if (!find_path(in, &path, err))
        return -1;
    if (strcmp(format, "json") == 0)
        return print_json(&path, err) ? EXIT_OK : -1;
    if (strcmp(format, "man") == 0)
        tree_manual(path.steps, path.depth, stdout);
    else
        help_print(path.steps, path.depth, stdout);
    return EXIT_OK;
}

const struct command command_help = {
    .name = "help",
    .summary = "display help for command",
    .description = "The topic exit-codes lists what the exit statuses mean.",
    .arguments = "[command...]",
    .complete = "command",
    .max_args = -1,
    .options =
        (const struct option_spec[]){
            {.name = "format",
             .letter = 'f',
             .type = OPTION_CHOICE,
             .value = "format",
             .help = "text to read, the command tree as JSON, or a man page",
             .fallback = "text",
             .choices = (const char *const[]){"text", "json", "man", NULL}},
            {0},
        },
    .examples =
        (const char *const[]){
            "e2b help sandbox",
            "what can be done with sandboxes",
            "e2b help exit-codes",
            "what the exit statuses mean",
            "e2b help --format json",
            "the whole command tree, for programs",
            NULL,
        },
    .handler = help,
};
