/* SPDX-License-Identifier: Apache-2.0
 *
 * FROM. A stage that is based on another one starts with its steps, so a chain of FROMs is one list
 * of steps, which every server takes.
 */
#include "cli/dockerfile/planner.h"

#include "cli/alloc.h"
#include "cli/dockerfile/words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct dockerfile_stage *new_stage(struct planner *planner) {
    struct dockerfile *file = planner->file;
    size_t n = file->stage_count++;
    file->stages = alloc_array(file->stages, n + 1, sizeof(*file->stages));
    planner->stages = alloc_array(planner->stages, n + 1, sizeof(*planner->stages));
    file->stages[n] = (struct dockerfile_stage){0};
    planner->stages[n] = (struct planner_stage){0};
    return &file->stages[n];
}

static ssize_t find_named(const struct dockerfile *file, size_t count, const char *name) {
    for (size_t i = count; i-- > 0;)
        if (file->stages[i].name && strcasecmp(file->stages[i].name, name) == 0)
            return (ssize_t)i;
    return -1;
}

ssize_t planner_find_stage(const struct dockerfile *file, size_t count, const char *word) {
    char *end;
    unsigned long number = strtoul(word, &end, 10);
    bool is_number = *word >= '0' && *word <= '9' && !*end && number < count;
    return is_number ? (ssize_t)number : find_named(file, count, word);
}

static char *copy(const char *text) {
    char *copied = text ? strdup(text) : NULL;
    if (text && !copied)
        abort();
    return copied;
}

/* The ARGs of a stage end with it. */
static bool end_args(const struct instruction *in, const struct scope *old, struct error *err) {
    for (size_t i = 0; i < old->count; i++)
        if (old->items[i].is_arg &&
            !planner_add(in, "ARG", json_pack("[s,s]", old->items[i].name, ""), err))
            return false;
    return true;
}

static bool start_from_stage(const struct instruction *in, size_t parent, struct error *err) {
    struct planner *planner = in->planner;
    struct dockerfile_stage *stage = planner_stage(planner);
    const struct dockerfile_stage *base = &planner->file->stages[parent];
    struct planner_stage *state = planner_state(planner), *old = &planner->stages[parent];
    stage->image = copy(base->image);
    stage->steps = alloc_array(NULL, base->step_count + 1, sizeof(*stage->steps));
    for (; stage->step_count < base->step_count; stage->step_count++) {
        struct dockerfile_step *step = &stage->steps[stage->step_count];
        *step = base->steps[stage->step_count];
        json_incref(step->args);
        step->source = copy(step->source);
        step->dest = copy(step->dest);
        step->image = copy(step->image);
    }
    scope_copy_env(&state->scope, &old->scope);
    state->from = old->from;
    state->user = copy(old->user);
    state->shell = json_incref(old->shell);
    state->command = json_incref(old->command);
    state->entrypoint = json_incref(old->entrypoint);
    state->sets_user = old->sets_user;
    state->sets_workdir = old->sets_workdir;
    return end_args(in, &old->scope, err);
}

/* Only a stage that the template needs has to have something to start from. */
bool planner_check_scratch(const struct planner *planner, struct error *err) {
    const struct dockerfile *file = planner->file;
    for (size_t i = 0; i < file->stage_count; i++) {
        if (!file->stages[i].is_needed || strcmp(file->stages[i].image, "scratch") != 0)
            continue;
        error_set(err, ERR_INVALID, "a template cannot start from scratch");
        source_blame(&file->source, planner->stages[i].from, strlen("FROM "), err);
        return error_hint(err, "it needs a shell and a C library: start from a small image, or "
                               "choose an earlier stage with --target");
    }
    return true;
}

/* "AS name" behind the image. */
static bool read_name(const struct instruction *in, size_t at, char **name, struct error *err) {
    struct word word = {.end = at}, as = {0};
    if (!word_next(in->text, '\\', &word))
        return true;
    as = word;
    bool is_as = as.end - as.start == 2 && strncasecmp(in->text + as.start, "AS", 2) == 0;
    if (!is_as || !word_next(in->text, '\\', &word))
        return planner_fail(in, as.start, err, "FROM takes an image and AS with a name");
    *name = strndup(in->text + word.start, word.end - word.start);
    if (!*name)
        abort();
    return !word_next(in->text, '\\', &word) ||
           planner_fail(in, word.start, err, "FROM takes an image and AS with a name");
}

bool planner_from(const struct instruction *in, struct error *err) {
    struct planner *planner = in->planner;
    struct flag flag;
    size_t at = in->rest;
    while (planner_flag(in, &at, &flag))
        if (!flag_is(&flag, "platform"))
            return planner_fail(in, flag.at, err, "FROM has no option --%.*s", (int)flag.name_len,
                                flag.name);
    struct word word = {.end = at};
    if (!word_next(in->text, planner->file->source.escape, &word))
        return planner_fail(in, at, err, "FROM needs an image");
    cleanup_free char *image = planner_expand(in, &planner->global, word.start, word.end, err);
    cleanup_free char *name = NULL;
    if (!image || !read_name(in, word.end, &name, err))
        return false;
    if (!*image)
        return planner_fail(in, word.start, err, "the image is an empty text");
    if (name && find_named(planner->file, planner->file->stage_count, name) >= 0)
        return planner_fail(in, 0, err, "there is a stage '%.100s' already", name);
    ssize_t parent = find_named(planner->file, planner->file->stage_count, image);
    new_stage(planner)->name = steal_ptr(&name);
    if (parent >= 0)
        return start_from_stage(in, (size_t)parent, err);
    planner_stage(planner)->image = steal_ptr(&image);
    planner_state(planner)->from = in->line;
    return true;
}
