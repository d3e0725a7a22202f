/* SPDX-License-Identifier: Apache-2.0
 *
 * `e2b help --format json`.
 */
#include "cli/options.h"
#include "cli/tree.h"

static json_t *strings(const char *const *list, size_t most) {
    json_t *array = json_array();
    for (size_t i = 0; list && i < most && list[i]; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

static const char *const type_names[] = {
    [OPTION_BOOL] = "bool",         [OPTION_STRING] = "string", [OPTION_INTEGER] = "integer",
    [OPTION_DURATION] = "duration", [OPTION_SIZE] = "size",     [OPTION_PAIR] = "pair",
    [OPTION_LIST] = "list",         [OPTION_CHOICE] = "choice", [OPTION_PATH] = "path",
};

static json_t *option_json(const struct option_spec *spec) {
    char letter[] = {spec->letter, '\0'};
    json_t *object =
        json_pack("{s:s, s:s?, s:s, s:s?, s:s, s:s?, s:s?, s:b, s:b}", "name", spec->name, "letter",
                  spec->letter ? letter : NULL, "type", type_names[spec->type], "value",
                  options_placeholder(spec), "help", spec->help, "default", spec->fallback, "env",
                  spec->env, "repeatable", options_repeats(spec), "hidden", spec->hidden);
    if (spec->choices)
        json_object_set_new(object, "choices", strings(spec->choices, SIZE_MAX));
    if (spec->min || spec->max) {
        json_object_set_new(object, "min", json_integer(spec->min));
        json_object_set_new(object, "max", json_integer(spec->max));
    }
    return object;
}

static json_t *options_json(const struct command *command) {
    const struct option_spec *specs[OPTIONS_MAX];
    json_t *array = json_array();
    size_t count = options_of(command, specs);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, option_json(specs[i]));
    return array;
}

static json_t *examples_json(const struct command *command) {
    json_t *array = json_array();
    for (size_t i = 0; command->examples && command->examples[i]; i += 2)
        json_array_append_new(array, json_pack("{s:s, s:s}", "command", command->examples[i],
                                               "summary", command->examples[i + 1]));
    return array;
}

json_t *tree_json(const struct command *command) {
    json_t *object =
        json_pack("{s:s, s:o, s:s, s:s?, s:s?, s:b, s:o, s:o}", "name", command->name, "aliases",
                  strings(command->aliases, ARRAY_LEN(command->aliases)), "summary",
                  command->summary, "description", command->description, "arguments",
                  command->arguments, "hidden", (command->flags & COMMAND_HIDDEN) != 0, "options",
                  options_json(command), "examples", examples_json(command));
    if (!command->children)
        return object;
    json_t *children = json_array();
    for (size_t i = 0; command->children[i]; i++)
        json_array_append_new(children, tree_json(command->children[i]));
    json_object_set_new(object, "commands", children);
    return object;
}
