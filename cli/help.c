/* SPDX-License-Identifier: Apache-2.0
 *
 * Help in the shape of the official command line, printed from the tables.
 */
#include "cli/help.h"

#include "cli/options.h"
#include "cli/terminal.h"

#include <string.h>

enum { LEAST_TEXT = 40 }; /* narrower columns are not wrapped */

static void append(char line[static HELP_LINE], const char *text) {
    size_t used = strlen(line);
    snprintf(line + used, HELP_LINE - used, "%s", text);
}

static void append_names(char line[static HELP_LINE], const struct command *command) {
    append(line, command->name);
    if (command->aliases[0]) {
        append(line, "|");
        append(line, command->aliases[0]);
    }
}

static void append_arguments(char line[static HELP_LINE], const struct command *command) {
    const char *arguments = command->children ? "[command]" : command->arguments;
    if (!arguments)
        return;
    append(line, " ");
    append(line, arguments);
}

const char *help_usage(const struct command *const *path, size_t depth,
                       char line[static HELP_LINE]) {
    line[0] = '\0';
    for (size_t i = 0; i + 1 < depth; i++) {
        append(line, path[i]->name);
        append(line, " ");
    }
    append_names(line, path[depth - 1]);
    append(line, " [options]");
    append_arguments(line, path[depth - 1]);
    return line;
}

const char *help_term(const struct command *command, char line[static HELP_LINE]) {
    line[0] = '\0';
    append_names(line, command);
    if (command->options)
        append(line, " [options]");
    if (!command->children)
        append_arguments(line, command);
    return line;
}

static void append_note(char text[static HELP_LINE], const char *what, const char *value,
                        bool *open) {
    append(text, *open ? "; " : " (");
    append(text, what);
    append(text, value);
    *open = true;
}

const char *help_option(const struct option_spec *spec, char text[static HELP_LINE]) {
    bool open = false;
    snprintf(text, HELP_LINE, "%s", spec->help);
    for (size_t i = 0; spec->choices && spec->choices[i]; i++) {
        if (!i)
            append_note(text, "choices: ", spec->choices[i], &open);
        else {
            append(text, ", ");
            append(text, spec->choices[i]);
        }
    }
    if (spec->fallback)
        append_note(text, "default: ", spec->fallback, &open);
    if (spec->env)
        append_note(text, "env: ", spec->env, &open);
    append(text, open ? ")" : "");
    return text;
}

static size_t screen_width(FILE *out) {
    struct terminal_size size;
    return terminal_size(fileno(out), &size) ? size.columns : 80;
}

/* `text` wrapped between words; lines after the first begin behind `indent` blanks. */
static void print_wrapped(FILE *out, const char *text, size_t indent) {
    size_t columns = screen_width(out);
    size_t room = columns > indent + LEAST_TEXT ? columns - indent : SIZE_MAX;
    size_t used = 0;
    while (*text) {
        size_t space = strspn(text, " ");
        size_t word = strcspn(text + space, " \n");
        if (used && used + space + word > room) {
            fprintf(out, "\n%*s", (int)indent, "");
            space = used = 0;
            text += strspn(text, " ");
        }
        fprintf(out, "%.*s", (int)(space + word), text);
        used += space + word;
        text += space + word;
        if (*text == '\n') {
            fprintf(out, "\n%*s", (int)indent, "");
            text++;
            used = 0;
        }
    }
    fputc('\n', out);
}

static void print_row(FILE *out, const char *term, size_t width, const char *text) {
    fprintf(out, "  %-*s  ", (int)width, term);
    print_wrapped(out, text, width + 4);
}

static void print_options(const struct command *command, FILE *out) {
    const struct option_spec *specs[OPTIONS_MAX];
    char term[OPTION_TERM], text[HELP_LINE];
    size_t count = options_of(command, specs), width = 0;
    for (size_t i = 0; i < count; i++)
        if (!specs[i]->hidden)
            width = MAX(width, strlen(options_term(specs[i], term)));
    fputs("\nOptions:\n", out);
    for (size_t i = 0; i < count; i++)
        if (!specs[i]->hidden)
            print_row(out, options_term(specs[i], term), width, help_option(specs[i], text));
}

static void print_children(const struct command *noun, size_t depth, FILE *out) {
    static const char help_row[] = "help [command]";
    char term[HELP_LINE];
    size_t width = strlen(help_row);
    for (size_t i = 0; noun->children[i]; i++)
        if (!(noun->children[i]->flags & COMMAND_HIDDEN))
            width = MAX(width, strlen(help_term(noun->children[i], term)));
    fputs("\nCommands:\n", out);
    for (size_t i = 0; noun->children[i]; i++)
        if (!(noun->children[i]->flags & COMMAND_HIDDEN))
            print_row(out, help_term(noun->children[i], term), width, noun->children[i]->summary);
    if (depth > 1)
        print_row(out, help_row, width, "display help for command");
}

static void print_examples(const struct command *command, FILE *out) {
    if (!command->examples)
        return;
    fputs("\nExamples:\n", out);
    for (size_t i = 0; command->examples[i]; i += 2)
        fprintf(out, "  # %s\n  %s\n", command->examples[i + 1], command->examples[i]);
}

void help_print(const struct command *const *path, size_t depth, FILE *out) {
    const struct command *command = path[depth - 1];
    char line[HELP_LINE];
    fprintf(out, "Usage: %s\n\n", help_usage(path, depth, line));
    print_wrapped(out, command->summary, 0);
    if (command->description) {
        fputc('\n', out);
        print_wrapped(out, command->description, 0);
    }
    print_options(command, out);
    if (command->children)
        print_children(command, depth, out);
    print_examples(command, out);
}

void help_print_usage(const struct command *const *path, size_t depth, FILE *out) {
    char line[HELP_LINE];
    fprintf(out, "\nUsage: %s\nRun 'e2b help", help_usage(path, depth, line));
    for (size_t i = 1; i < depth; i++)
        fprintf(out, " %s", path[i]->name);
    fputs("' for more.\n", out);
}
