/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads options by table. Texts of the errors are those of the official command line.
 */
#include "cli/options.h"

#include "cli/alloc.h"
#include "cli/context.h"
#include "cli/suggest.h"
#include "cli/value.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec context_option = {
    .name = "context",
    .type = OPTION_STRING,
    .value = "name",
    .help = "the server to use",
    .choices = context_names,
    .env = "E2B_CONTEXT",
};
static const struct option_spec help_option = {
    .name = "help",
    .letter = 'h',
    .type = OPTION_BOOL,
    .help = "display help for command",
};

size_t options_of(const struct command *command, const struct option_spec *specs[OPTIONS_MAX]) {
    size_t count = 0;
    for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
        if (count < OPTIONS_MAX - 2)
            specs[count++] = spec;
    if (command->flags & COMMAND_API && !(command->flags & COMMAND_LOCAL))
        specs[count++] = &context_option;
    specs[count++] = &help_option;
    return count;
}

static struct option_value *find(struct option_set *set, const char *name, size_t len) {
    for (size_t i = 0; i < set->count; i++) {
        const char *known = set->values[i].spec->name;
        if (strlen(known) == len && memcmp(known, name, len) == 0)
            return &set->values[i];
    }
    return NULL;
}

static struct option_value *find_letter(struct option_set *set, char letter) {
    for (size_t i = 0; i < set->count; i++)
        if (set->values[i].spec->letter == letter)
            return &set->values[i];
    return NULL;
}

const struct option_value *options_find(const struct option_set *set, const char *name) {
    return find((struct option_set *)(uintptr_t)set, name, strlen(name));
}

void options_use(struct option_set *set, const struct command *command) {
    const struct option_spec *specs[OPTIONS_MAX];
    struct option_set next = {.count = options_of(command, specs)};
    for (size_t i = 0; i < next.count; i++) {
        struct option_value *before = find(set, specs[i]->name, strlen(specs[i]->name));
        if (before)
            next.values[i] = *before;
        next.values[i].spec = specs[i];
        if (before)
            before->list = NULL;
    }
    options_free(set);
    *set = next;
}

void options_free(struct option_set *set) {
    for (size_t i = 0; i < set->count; i++)
        free(set->values[i].list);
    set->count = 0;
}

static const char *const placeholders[] = {
    [OPTION_STRING] = "value",  [OPTION_INTEGER] = "number", [OPTION_DURATION] = "duration",
    [OPTION_SIZE] = "size",     [OPTION_PAIR] = "KEY=VALUE", [OPTION_LIST] = "value",
    [OPTION_CHOICE] = "choice", [OPTION_PATH] = "path",
};

const char *options_placeholder(const struct option_spec *spec) {
    return spec->type == OPTION_BOOL ? NULL : spec->value ? spec->value : placeholders[spec->type];
}

bool options_repeats(const struct option_spec *spec) {
    return spec->type == OPTION_PAIR || spec->type == OPTION_LIST;
}

const char *options_term(const struct option_spec *spec, char text[static OPTION_TERM]) {
    const char *value = options_placeholder(spec);
    char letter[] = {'-', spec->letter, ',', ' ', '\0'};
    snprintf(text, OPTION_TERM, "%s--%s%s%s%s", spec->letter ? letter : "", spec->name,
             value ? " <" : "", value ? value : "", value ? ">" : "");
    return text;
}

static bool unknown(const struct option_set *set, const char *typed, struct error *err) {
    const char *names[OPTIONS_MAX + 1];
    char text[OPTIONS_MAX][OPTION_TERM];
    size_t count = 0;
    error_set(err, ERR_USAGE, "unknown option '%.*s'", (int)strcspn(typed, "="), typed);
    for (size_t i = 0; i < set->count; i++) {
        if (set->values[i].spec->hidden)
            continue;
        snprintf(text[count], OPTION_TERM, "--%s", set->values[i].spec->name);
        names[count] = text[count];
        count++;
    }
    names[count] = NULL;
    return suggest(typed, names, err);
}

static bool store(struct option_value *value, const char *text, const char *from,
                  struct error *err) {
    if (!value_parse(value->spec, text, &value->number, err)) {
        char term[OPTION_TERM];
        char reason[sizeof(err->hint)];
        snprintf(reason, sizeof(reason), "%s", err->hint);
        error_set(err, ERR_USAGE, "option '%s' argument '%s' is invalid%s%s",
                  options_term(value->spec, term), text, from ? ": it comes from " : "",
                  from ? from : "");
        return error_hint(err, "%s", reason);
    }
    value->given = true;
    value->text = text;
    if (options_repeats(value->spec)) {
        value->list = alloc_array(value->list, value->count + 1, sizeof(*value->list));
        value->list[value->count++] = text;
    }
    return true;
}

static bool store_flag(struct option_value *value, bool on) {
    value->given = true;
    value->number = on;
    return true;
}

/* The word behind an option is its value, whatever it looks like. */
static bool store_next(struct option_set *set, struct option_value *value, int argc, char **argv,
                       int *at, struct error *err) {
    char term[OPTION_TERM];
    if (*at < argc)
        return store(value, argv[(*at)++], NULL, err);
    set->missing = value->spec;
    return error_set(err, ERR_USAGE, "option '%s' argument missing",
                     options_term(value->spec, term));
}

static bool take_long(struct option_set *set, int argc, char **argv, int *at, struct error *err) {
    const char *word = argv[(*at)++];
    const char *name = word + 2;
    size_t len = strcspn(name, "=");
    const char *inlined = name[len] ? name + len + 1 : NULL;
    struct option_value *value = find(set, name, len);
    if (!value && strncmp(name, "no-", 3) == 0) {
        value = find(set, name + 3, len - 3);
        if (value && value->spec->type == OPTION_BOOL && !inlined)
            return store_flag(value, false);
        value = NULL;
    }
    if (!value)
        return unknown(set, word, err);
    if (value->spec->type != OPTION_BOOL)
        return inlined ? store(value, inlined, NULL, err)
                       : store_next(set, value, argc, argv, at, err);
    if (inlined)
        return error_set(err, ERR_USAGE, "option '--%s' takes no value", value->spec->name);
    return store_flag(value, true);
}

static bool take_letters(struct option_set *set, int argc, char **argv, int *at,
                         struct error *err) {
    const char *word = argv[(*at)++];
    for (const char *letter = word + 1; *letter; letter++) {
        struct option_value *value = find_letter(set, *letter);
        if (!value) {
            char typed[] = {'-', *letter, '\0'};
            return unknown(set, letter == word + 1 ? word : typed, err);
        }
        if (value->spec->type != OPTION_BOOL)
            return letter[1] ? store(value, letter + 1, NULL, err)
                             : store_next(set, value, argc, argv, at, err);
        store_flag(value, true);
    }
    return true;
}

bool options_take(struct option_set *set, int argc, char **argv, int *at, struct error *err) {
    return argv[*at][1] == '-' ? take_long(set, argc, argv, at, err)
                               : take_letters(set, argc, argv, at, err);
}

bool options_finish(struct option_set *set, struct error *err) {
    for (size_t i = 0; i < set->count; i++) {
        struct option_value *value = &set->values[i];
        const char *env = value->spec->env ? getenv(value->spec->env) : NULL;
        if (value->given)
            continue;
        if (env && *env && !store(value, env, value->spec->env, err))
            return false;
        value->env = value->given ? value->spec->env : NULL;
        if (value->given || !value->spec->fallback)
            continue;
        if (!store(value, value->spec->fallback, NULL, err))
            return false;
        value->given = false;
    }
    return true;
}
