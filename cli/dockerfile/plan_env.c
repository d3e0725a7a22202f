/* SPDX-License-Identifier: Apache-2.0
 *
 * ARG and ENV: variables of the steps that follow, for the server as well as for us.
 */
#include "cli/dockerfile/planner.h"

#include "cli/dockerfile/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* ---- ARG --------------------------------------------------------------------------------------
 */

static const char *build_arg(struct planner *planner, const char *name) {
    const struct dockerfile_options *options = planner->options;
    const char *value = NULL;
    size_t len = strlen(name);
    for (size_t i = 0; i < options->build_arg_count; i++) {
        const char *arg = options->build_args[i];
        if (strncmp(arg, name, len) != 0 || (arg[len] && arg[len] != '='))
            continue;
        planner->used_args[i] = true;
        value = arg[len] ? arg + len + 1 : getenv(name);
    }
    return value;
}

/* What BuildKit sets without being asked: for FROM at once, in a stage when an ARG names it. */
void planner_set_platform(struct scope *global) {
    struct utsname host;
    char platform[sizeof(host.machine) + 8];
    uname(&host);
    const char *machine = strcmp(host.machine, "x86_64") == 0    ? "amd64"
                          : strcmp(host.machine, "aarch64") == 0 ? "arm64"
                                                                 : host.machine;
    snprintf(platform, sizeof(platform), "linux/%s", machine);
    static const char *const prefixes[] = {"BUILD", "TARGET"};
    const char *const values[][2] = {
        {"PLATFORM", platform}, {"ARCH", machine}, {"OS", "linux"}, {"VARIANT", ""}};
    for (size_t i = 0; i < ARRAY_LEN(prefixes) * ARRAY_LEN(values); i++) {
        const char *const *value = values[i / ARRAY_LEN(prefixes)];
        char name[16];
        snprintf(name, sizeof(name), "%s%s", prefixes[i % ARRAY_LEN(prefixes)], value[0]);
        scope_set(global, name, value[1], true);
    }
}

static bool is_name(const char *name) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return *name && strchr(letters, *name) && !name[strspn(name, more)];
}

/* In force for RUN as well: a variable of the steps that follow. A value that is not given at all
 * sets none. */
static bool set_arg(const struct instruction *in, const char *name, const char *value,
                    struct error *err) {
    struct planner *planner = in->planner;
    if (!planner->file->stage_count) {
        if (value)
            scope_set(&planner->global, name, value, true);
        return true;
    }
    struct scope *scope = &planner_state(planner)->scope;
    const struct variable *known = scope_find(scope, name, strlen(name));
    if (!value || (known && !known->is_arg))
        return true;
    scope_set(scope, name, value, true);
    /* The server expands values: what is one "$" here has to stay one there. */
    cleanup_buf struct buf sent = BUF_INIT(EXPAND_MAX);
    return expand_literal(value, &sent, err) &&
           planner_add(in, "ARG", json_pack("[s,s]", name, sent.len ? sent.data : ""), err);
}

static bool take_arg(const struct instruction *in, const struct word *word, struct error *err) {
    struct planner *planner = in->planner;
    const char *text = in->text + word->start;
    size_t len = word->end - word->start, sign = MIN(strcspn(text, "="), len);
    const struct scope *scope =
        planner->file->stage_count ? &planner_state(planner)->scope : &planner->global;
    cleanup_free char *name = strndup(text, sign);
    cleanup_free char *fallback = NULL;
    if (!name || !is_name(name))
        return planner_fail(in, word->start, err, "this is no name of a variable");
    if (sign < len &&
        !(fallback = planner_expand(in, scope, word->start + sign + 1, word->end, err)))
        return false;
    const char *value = build_arg(planner, name);
    const struct variable *global = scope_find(&planner->global, name, sign);
    if (!value)
        value = fallback ? fallback : global ? global->value : NULL;
    return set_arg(in, name, value, err);
}

bool planner_arg(const struct instruction *in, struct error *err) {
    struct word word = {.end = in->rest};
    while (word_next(in->text, in->planner->file->source.escape, &word))
        if (!take_arg(in, &word, err))
            return false;
    return true;
}

/* ---- ENV --------------------------------------------------------------------------------------
 */

/* Not only what a shell can read: programs ask for names like "discovery.type". NULL: it is none.
 */
static char *env_name(const struct instruction *in, const struct word *word, struct error *err) {
    const struct scope *scope = &planner_state(in->planner)->scope;
    cleanup_free char *name = planner_expand(in, scope, word->start, word->end, err);
    if (!name || (*name && !name[strcspn(name, " \t\n=")]))
        return steal_ptr(&name);
    planner_fail(in, word->start, err, "'%.100s' is no name of a variable", name);
    return NULL;
}

/* The value in the words of the server, and in ours where it is known. */
static bool add_pair(const struct instruction *in, json_t *args, struct scope *later,
                     const struct word *word, size_t start, size_t end, struct error *err) {
    const struct planner *planner = in->planner;
    cleanup_free char *name = env_name(in, word, err);
    if (!name)
        return false;
    struct expansion x = {
        .scope = &planner_state(planner)->scope,
        .escape = planner->file->source.escape,
        .for_server = true,
    };
    cleanup_buf struct buf sent = BUF_INIT(EXPAND_MAX), known = BUF_INIT(EXPAND_MAX);
    bool ok = expand(&x, in->text + start, end - start, &sent, err);
    struct expansion plain = {.scope = x.scope, .escape = x.escape};
    if (!ok || (!x.is_open && !expand(&plain, in->text + start, end - start, &known, err)))
        return source_blame(&planner->file->source, in->line, start + x.at, err);
    if (x.undefined[0])
        planner_warn(in, "neither ARG nor ENV sets $%s: it is empty here", x.undefined);
    const char *text = sent.len ? sent.data : "";
    if (json_array_append_new(args, json_string(name)) < 0 ||
        json_array_append_new(args, json_string(text)) < 0)
        return planner_fail(in, start, err, "this is no UTF-8");
    scope_set(later, name, x.is_open ? NULL : known.len ? known.data : "", false);
    return true;
}

static bool read_pairs(const struct instruction *in, json_t *args, struct scope *later,
                       struct error *err) {
    struct word word = {.end = in->rest};
    while (word_next(in->text, in->planner->file->source.escape, &word)) {
        size_t sign = strcspn(in->text + word.start, "=");
        if (sign >= word.end - word.start)
            return planner_fail(in, word.start, err, "NAME=value is expected here");
        const struct word name = {.start = word.start, .end = word.start + sign};
        if (!add_pair(in, args, later, &name, name.end + 1, word.end, err))
            return false;
    }
    return true;
}

/* "ENV NAME the rest of the line" */
static bool read_legacy(const struct instruction *in, const struct word *first, json_t *args,
                        struct scope *later, struct error *err) {
    size_t start = first->end + strspn(in->text + first->end, " \t");
    if (!in->text[start])
        return planner_fail(in, first->start, err, "ENV needs a value: NAME=value");
    return add_pair(in, args, later, first, start, strlen(in->text), err);
}

/* All values are those before the instruction, so the new ones count only afterwards. */
bool planner_env(const struct instruction *in, struct error *err) {
    struct scope later = {0};
    json_t *args = json_array();
    struct word first = {.end = in->rest};
    word_next(in->text, in->planner->file->source.escape, &first);
    size_t sign = strcspn(in->text + first.start, "=");
    bool ok = sign < first.end - first.start ? read_pairs(in, args, &later, err)
                                             : read_legacy(in, &first, args, &later, err);
    for (size_t i = 0; ok && i < later.count; i++)
        scope_set(&planner_state(in->planner)->scope, later.items[i].name, later.items[i].value,
                  false);
    scope_free(&later);
    if (!ok) {
        json_decref(args);
        return false;
    }
    return planner_add(in, "ENV", args, err);
}
