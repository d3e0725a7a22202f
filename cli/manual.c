/* SPDX-License-Identifier: Apache-2.0
 *
 * `e2b help --format man`: pages in the man macros that groff and mandoc both read. No date, so
 * that the same source gives the same bytes.
 */
#include "cli/help.h"
#include "cli/options.h"
#include "cli/parse.h"
#include "cli/report.h"
#include "cli/tree.h"

#include <ctype.h>
#include <string.h>

static void text(FILE *out, const char *from) {
    bool line_start = true;
    for (; *from; from++) {
        if (line_start && (*from == '.' || *from == '\''))
            fputs("\\&", out);
        line_start = *from == '\n';
        if (*from == '-')
            fputs("\\-", out);
        else if (*from == '\\')
            fputs("\\e", out);
        else if (*from == '"')
            fputs("\\(dq", out);
        else
            fputc(*from, out);
    }
}

/* `macro` with one argument. */
static void heading(FILE *out, const char *macro, const char *title) {
    fprintf(out, ".%s \"", macro);
    text(out, title);
    fputs("\"\n", out);
}

static void paragraph(FILE *out, const char *from) {
    if (!from)
        return;
    fputs(".PP\n", out);
    text(out, from);
    fputc('\n', out);
}

static void term(FILE *out, const char *what, const char *meaning) {
    fputs(".TP\n.B ", out);
    text(out, what);
    fputc('\n', out);
    text(out, meaning);
    fputc('\n', out);
}

static void options(FILE *out, const struct command *command) {
    const struct option_spec *specs[OPTIONS_MAX];
    char what[OPTION_TERM], meaning[HELP_LINE];
    size_t count = options_of(command, specs);
    for (size_t i = 0; i < count; i++)
        if (!specs[i]->hidden)
            term(out, options_term(specs[i], what), help_option(specs[i], meaning));
}

static void examples(FILE *out, const struct command *command) {
    for (size_t i = 0; command->examples && command->examples[i]; i += 2) {
        paragraph(out, command->examples[i + 1]);
        fputs(".RS\n.nf\n", out);
        text(out, command->examples[i]);
        fputs("\n.fi\n.RE\n", out);
    }
}

/* A leaf with its usage, text, options and examples; a noun as all its leaves. */
static void section(FILE *out, const struct command **path, size_t depth) {
    const struct command *command = path[depth - 1];
    char usage[HELP_LINE];
    if (command->flags & COMMAND_HIDDEN)
        return;
    for (size_t i = 0; command->children && command->children[i] && depth < PARSE_DEPTH; i++) {
        path[depth] = command->children[i];
        section(out, path, depth + 1);
    }
    if (command->children)
        return;
    heading(out, "SS", help_usage(path, depth, usage));
    text(out, command->summary);
    fputc('\n', out);
    paragraph(out, command->description);
    options(out, command);
    examples(out, command);
}

static void page_name(const struct command *const *path, size_t depth,
                      char name[static HELP_LINE]) {
    size_t used = 0;
    for (size_t i = 0; i < depth && used < HELP_LINE; i++)
        used +=
            (size_t)snprintf(name + used, HELP_LINE - used, "%s%s", i ? "-" : "", path[i]->name);
}

static void title(FILE *out, const struct command *const *path, size_t depth) {
    char name[HELP_LINE], usage[HELP_LINE];
    page_name(path, depth, name);
    fputs(".TH \"", out);
    for (const char *at = name; *at; at++)
        fprintf(out, *at == '-' ? "\\-" : "%c", toupper((unsigned char)*at));
    fputs("\" \"1\" \"\" \"e2b " PACKAGE_VERSION "\" \"User Commands\"\n.SH NAME\n", out);
    text(out, name);
    fputs(" \\- ", out);
    text(out, path[depth - 1]->summary);
    fputs("\n.SH SYNOPSIS\n.B ", out);
    text(out, help_usage(path, depth, usage));
    fputc('\n', out);
}

static void root_commands(FILE *out, const struct command *root) {
    char what[HELP_LINE], meaning[HELP_LINE];
    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; root->children[i]; i++) {
        const struct command *child = root->children[i];
        if (child->flags & COMMAND_HIDDEN)
            continue;
        snprintf(meaning, sizeof(meaning), "%s: see e2b-%s(1)", child->summary, child->name);
        term(out, help_term(child, what), meaning);
    }
}

static void exit_statuses(FILE *out) {
    char number[16];
    fputs(".SH EXIT STATUS\n", out);
    for (const struct report_code *code = report_codes; code->meaning; code++) {
        snprintf(number, sizeof(number), "%d", code->status);
        term(out, number, code->meaning);
    }
}

/* The root's page names all others, they name the root's. */
static void see_also(FILE *out, const struct command *root) {
    const char *separator = "";
    fputs(".SH SEE ALSO\n", out);
    for (size_t i = 0; root && root->children[i]; i++) {
        if (root->children[i]->flags & COMMAND_HIDDEN)
            continue;
        fprintf(out, "%s.BR e2b\\-%s (1)", separator, root->children[i]->name);
        separator = ",\n";
    }
    fputs(root ? "\n" : ".BR e2b (1)\n", out);
}

void tree_manual(const struct command *const *path, size_t depth, FILE *out) {
    const struct command *command = path[depth - 1];
    const struct command *steps[PARSE_DEPTH];
    memcpy(steps, path, depth * sizeof(*path));
    title(out, path, depth);
    fputs(".SH DESCRIPTION\n", out);
    text(out, command->description ? command->description : command->summary);
    fputc('\n', out);
    if (depth == 1) {
        root_commands(out, command);
    } else if (command->children) {
        fputs(".SH COMMANDS\n", out);
        section(out, steps, depth);
    }
    if (depth == 1 || !command->children) {
        fputs(".SH OPTIONS\n", out);
        options(out, command);
    }
    if (command->examples)
        fputs(".SH EXAMPLES\n", out);
    examples(out, command);
    exit_statuses(out);
    see_also(out, depth == 1 ? command : NULL);
}
