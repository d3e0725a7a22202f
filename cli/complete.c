/* SPDX-License-Identifier: Apache-2.0
 *
 * `e2b complete -- words...`, which the completions of all shells ask: what could the last word be?
 * Prints "candidate<TAB>description" lines; the line ":files" asks the shell for file names.
 */
#include "cli/alloc.h"
#include "cli/context.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/root.h"

#include <string.h>

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static void offer(const char *word, const char *prefix, const char *description) {
    if (begins(word, prefix))
        printf("%s\t%s\n", word, description);
}

/* Aliases only where the name itself does not fit: `sb` gives sbx, `s` only sandbox. */
static void offer_children(const struct command *noun, const char *prefix) {
    for (size_t i = 0; noun->children[i]; i++) {
        const struct command *child = noun->children[i];
        if (child->flags & COMMAND_HIDDEN)
            continue;
        offer(child->name, prefix, child->summary);
        for (size_t a = 0; a < ARRAY_LEN(child->aliases) && child->aliases[a]; a++)
            if (!begins(child->name, prefix))
                offer(child->aliases[a], prefix, child->summary);
    }
}

static void offer_options(const struct command *command, const char *prefix) {
    const struct option_spec *specs[OPTIONS_MAX];
    size_t count = options_of(command, specs);
    for (size_t i = 0; i < count; i++) {
        char word[OPTION_TERM];
        snprintf(word, sizeof(word), "--%s", specs[i]->name);
        if (!specs[i]->hidden)
            offer(word, prefix, specs[i]->help);
    }
}

/* `lead` is what stands before the value in the same word: "--format=". */
static void offer_values(const struct option_spec *spec, const char *lead, int lead_len,
                         const char *prefix) {
    for (size_t i = 0; spec->choices && spec->choices[i]; i++)
        if (begins(spec->choices[i], prefix))
            printf("%.*s%s\t%s\n", lead_len, lead, spec->choices[i], spec->help);
    if (spec->type == OPTION_PATH)
        puts(":files");
}

static void offer_inlined(const struct parse *parse, const char *word) {
    char name[OPTION_TERM];
    size_t len = strcspn(word, "=");
    snprintf(name, sizeof(name), "%.*s", (int)len - 2, word + 2);
    const struct option_value *value = options_find(&parse->options, name);
    if (value)
        offer_values(value->spec, word, (int)len + 1, word + len + 1);
}

/* The arguments of `e2b help` are commands. */
static void offer_help_path(const struct parse *parse, const char *prefix) {
    const struct command *here = &command_root;
    for (int i = 0; here && i < parse->arg_count; i++)
        here = parse_child(here, parse->args[i]);
    if (here && here->children)
        offer_children(here, prefix);
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* What the server of the line answers to `path`: an array, or NULL. Nobody waits at a prompt for a
 * backend to start, or wants to read why there is none. */
static json_t *ask(const struct parse *parse, const char *path) {
    const struct option_value *chosen = options_find(&parse->options, "context");
    struct error ignored = ERROR_INIT;
    cleanup_response struct response response = {0};
    struct context context = {0};
    struct client *client = NULL;
    if (context_resolve(&context, chosen ? chosen->text : NULL, "--context", &ignored))
        client = client_open(&context.target, false, &ignored);
    if (client)
        client_call(client, "GET", path, NULL, &response, &ignored);
    client_close(client);
    context_free(&context);
    return json_incref(response.json);
}

/* What a server says, made harmless. */
static void offer_foreign(const char *word, const char *what, const char *prefix) {
    if (!begins(word, prefix))
        return;
    output_safe(stdout, word, "");
    putchar('\t');
    output_safe(stdout, what, "");
    putchar('\n');
}

static void offer_sandboxes(const struct parse *parse, const char *prefix) {
    cleanup_json json_t *all = ask(parse, "/v2/sandboxes?state=running,paused&limit=100");
    json_t *sandbox;
    size_t i;
    json_array_foreach(all, i, sandbox)
        offer_foreign(text_of(sandbox, "sandboxID"), text_of(sandbox, "alias"), prefix);
}

/* By their names; one that has none by its id. */
static void offer_templates(const struct parse *parse, const char *prefix) {
    cleanup_json json_t *all = ask(parse, "/templates");
    json_t *template;
    size_t i;
    json_array_foreach(all, i, template) {
        const json_t *names = json_object_get(template, "aliases");
        for (size_t j = 0; j < json_array_size(names); j++)
            if (json_is_string(json_array_get(names, j)))
                offer_foreign(json_string_value(json_array_get(names, j)),
                              text_of(template, "templateID"), prefix);
        if (!json_array_size(names))
            offer_foreign(text_of(template, "templateID"), "", prefix);
    }
}

static const struct kind {
    const char *name;
    void (*offer)(const struct parse *parse, const char *prefix);
} kinds[] = {
    {"command", offer_help_path},
    {"sandbox", offer_sandboxes},
    {"template", offer_templates},
};

static void offer_argument(const struct parse *parse, const char *prefix) {
    const struct command *leaf = parse_leaf(parse);
    bool wanted = parse->arg_count == 0 || (leaf->max_args < 0 && !(leaf->flags & COMMAND_REST));
    if (!wanted || !leaf->complete)
        return;
    if (strcmp(leaf->complete, "file") == 0)
        puts(":files");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].name, leaf->complete) == 0)
            kinds[i].offer(parse, prefix);
}

static void complete_word(const struct parse *parse, const char *word) {
    const struct command *leaf = parse_leaf(parse);
    bool options_ended = parse->dash >= 0 || (leaf->flags & COMMAND_REST && parse->arg_count > 0);
    if (parse->options.missing)
        offer_values(parse->options.missing, "", 0, word);
    else if (!options_ended && begins(word, "--") && strchr(word, '='))
        offer_inlined(parse, word);
    else if (!options_ended && *word == '-')
        offer_options(leaf, word);
    else if (leaf->children && !parse->arg_count)
        offer_children(leaf, word);
    else
        offer_argument(parse, word);
}

static int complete(struct invocation *in, struct error *err) {
    /* The word to complete takes the place that parse_line gives to a program's name. */
    struct error ignored = ERROR_INIT;
    struct parse parse;
    const char *word = in->arg_count ? in->args[in->arg_count - 1] : "";
    cleanup_free char **line = alloc_array(NULL, (size_t)in->arg_count + 1, sizeof(*line));
    (void)err;
    line[0] = NULL;
    for (int i = 0; i + 1 < in->arg_count; i++)
        line[i + 1] = in->args[i];
    parse_line(&parse, &command_root, MAX(in->arg_count, 1), line, &ignored);
    complete_word(&parse, word);
    parse_free(&parse);
    return EXIT_OK;
}

const struct command command_complete = {
    .name = "complete",
    .summary = "print what the last of these words could be, for the completions of shells",
    .arguments = "[--] [words...]",
    .max_args = -1,
    .flags = COMMAND_HIDDEN | COMMAND_REST,
    .examples =
        (const char *const[]){
            "e2b complete -- sandbox li",
            "print list with its summary",
            NULL,
        },
    .handler = complete,
};
