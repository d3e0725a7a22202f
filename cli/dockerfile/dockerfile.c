/* SPDX-License-Identifier: Apache-2.0
 *
 * The instructions by name, and what stands around them: the user and directory that the official
 * clients start and end every Dockerfile with, and which stages the template needs.
 */
#include "cli/dockerfile/dockerfile.h"

#include "cli/alloc.h"
#include "cli/dockerfile/planner.h"
#include "cli/suggest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    bool (*handler)(const struct instruction *in, struct error *err);
    bool before_from;
} instructions[] = {
    {"FROM", planner_from, true},
    {"ARG", planner_arg, true},
    {"ENV", planner_env, false},
    {"RUN", planner_run, false},
    {"COPY", planner_copy, false},
    {"ADD", planner_add_files, false},
    {"WORKDIR", planner_workdir, false},
    {"USER", planner_user, false},
    {"SHELL", planner_shell, false},
    {"CMD", planner_command, false},
    {"ENTRYPOINT", planner_entrypoint, false},
    {"EXPOSE", planner_ignored, false},
    {"VOLUME", planner_ignored, false},
    {"LABEL", planner_unsupported, false},
    {"MAINTAINER", planner_unsupported, false},
    {"HEALTHCHECK", planner_unsupported, false},
    {"STOPSIGNAL", planner_unsupported, false},
    {"ONBUILD", planner_unsupported, false},
};

static bool refuse_word(const struct instruction *in, const char *word, struct error *err) {
    const char *names[ARRAY_LEN(instructions) + 1] = {NULL};
    char upper[32];
    size_t len = 0;
    for (; word[len] && len < sizeof(upper) - 1; len++)
        upper[len] = (char)(word[len] >= 'a' && word[len] <= 'z' ? word[len] - 32 : word[len]);
    upper[len] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(instructions); i++)
        names[i] = instructions[i].name;
    planner_fail(in, 0, err, "unknown instruction '%.60s'", word);
    return suggest(upper, names, err);
}

static bool run_line(struct planner *planner, const struct source_line *line, struct error *err) {
    size_t len = strcspn(line->text, " \t");
    struct instruction in = {.planner = planner, .line = line, .text = line->text, .rest = len};
    in.rest += strspn(in.text + in.rest, " \t");
    cleanup_free char *word = strndup(line->text, len);
    for (size_t i = 0; word && i < ARRAY_LEN(instructions); i++) {
        if (strcasecmp(word, instructions[i].name) != 0)
            continue;
        if (!planner->file->stage_count && !instructions[i].before_from)
            return planner_fail(&in, 0, err, "Dockerfile must start with a FROM instruction");
        if (!in.text[in.rest])
            return planner_fail(&in, len, err, "%s needs arguments", instructions[i].name);
        return instructions[i].handler(&in, err);
    }
    return refuse_word(&in, word ? word : "", err);
}

/* What is behind the last instruction of the template in its stage's place. */
static bool add_epilogue(struct planner *planner, struct error *err) {
    struct planner_stage *state = planner_state(planner);
    const struct source *source = &planner->file->source;
    struct instruction in = {.planner = planner, .line = &source->lines[source->line_count - 1]};
    in.text = in.line->text;
    return (state->sets_user || planner_add(&in, "USER", json_pack("[s]", "user"), err)) &&
           (state->sets_workdir ||
            planner_add(&in, "WORKDIR", json_pack("[s]", "/home/user"), err));
}

/* A stage can only copy from earlier ones, so once from the end is enough. */
static void mark_needed(struct dockerfile *file) {
    file->stages[file->stage_count - 1].is_needed = true;
    for (size_t i = file->stage_count; i-- > 0;) {
        const struct dockerfile_stage *stage = &file->stages[i];
        for (size_t j = 0; stage->is_needed && j < stage->step_count; j++)
            if (stage->steps[j].from >= 0)
                file->stages[stage->steps[j].from].is_needed = true;
    }
}

static void warn_unused(struct planner *planner) {
    const struct dockerfile_options *options = planner->options;
    struct instruction in = {.planner = planner};
    for (size_t i = 0; i < options->build_arg_count; i++)
        if (!planner->used_args[i])
            planner_warn(&in, "no ARG takes --build-arg %.*s",
                         (int)strcspn(options->build_args[i], "="), options->build_args[i]);
}

static void planner_stage_free(struct planner_stage *stage) {
    scope_free(&stage->scope);
    json_decref(stage->shell);
    json_decref(stage->command);
    json_decref(stage->entrypoint);
    free(stage->user);
}

static bool in_target(const struct planner *planner) {
    const struct dockerfile *file = planner->file;
    const char *target = planner->options->target;
    return target && file->stage_count &&
           planner_find_stage(file, file->stage_count, target) == (ssize_t)file->stage_count - 1;
}

/* What comes after the stage that is wanted is of no use, and may be what no template can do. */
static bool run_lines(struct planner *planner, struct error *err) {
    const struct source *source = &planner->file->source;
    for (size_t i = 0; i < source->line_count; i++) {
        const char *text = source->lines[i].text;
        if (strncasecmp(text, "FROM", 4) == 0 && strchr(" \t", text[4]) && in_target(planner))
            return true;
        if (!run_line(planner, &source->lines[i], err))
            return false;
    }
    return true;
}

static bool check_target(const struct planner *planner, struct error *err) {
    return !planner->options->target || in_target(planner) ||
           error_set(err, ERR_INVALID, "%s: no stage is called '%.100s'",
                     planner->file->source.name, planner->options->target);
}

static bool plan(struct planner *planner, struct error *err) {
    struct dockerfile *file = planner->file;
    planner_set_platform(&planner->global);
    if (!run_lines(planner, err))
        return false;
    if (!file->stage_count)
        return error_set(err, ERR_INVALID, "%s: Dockerfile must contain a FROM instruction",
                         file->source.name);
    mark_needed(file);
    if (!check_target(planner, err) || !planner_check_scratch(planner, err) ||
        !add_epilogue(planner, err))
        return false;
    file->start = planner_start(planner_state(planner));
    warn_unused(planner);
    return true;
}

static void planner_free(struct planner *planner) {
    scope_free(&planner->global);
    for (size_t i = 0; i < planner->file->stage_count; i++)
        planner_stage_free(&planner->stages[i]);
    free(planner->stages);
    free(planner->used_args);
}

bool dockerfile_parse(struct dockerfile *file, const char *text, size_t len,
                      const struct dockerfile_options *options, struct error *err) {
    *file = (struct dockerfile){0};
    struct planner planner = {.file = file, .options = options};
    planner.used_args = alloc_array(NULL, options->build_arg_count + 1, sizeof(bool));
    memset(planner.used_args, 0, (options->build_arg_count + 1) * sizeof(bool));
    bool ok = source_read(&file->source, options->name, text, len, err) && plan(&planner, err);
    planner_free(&planner);
    if (!ok)
        dockerfile_free(file);
    return ok;
}

static void stage_free(struct dockerfile_stage *stage) {
    for (size_t i = 0; i < stage->step_count; i++) {
        json_decref(stage->steps[i].args);
        free(stage->steps[i].source);
        free(stage->steps[i].dest);
        free(stage->steps[i].image);
    }
    free(stage->steps);
    free(stage->name);
    free(stage->image);
}

void dockerfile_free(struct dockerfile *file) {
    for (size_t i = 0; i < file->stage_count; i++)
        stage_free(&file->stages[i]);
    for (size_t i = 0; i < file->warning_count; i++)
        free(file->warnings[i]);
    free(file->stages);
    free(file->warnings);
    free(file->start);
    source_free(&file->source);
    *file = (struct dockerfile){0};
}

bool dockerfile_blame(const struct dockerfile *file, const struct dockerfile_step *step,
                      struct error *err) {
    return source_blame(&file->source, step->line, step->at, err);
}

/* ---- for the handlers -------------------------------------------------------------------------
 */

bool planner_fail(const struct instruction *in, size_t at, struct error *err, const char *format,
                  ...) {
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    error_set(err, ERR_INVALID, "%s", message);
    return source_blame(&in->planner->file->source, in->line, at, err);
}

static void add_warning(struct dockerfile *file, const struct source_line *line, const char *format,
                        va_list args) {
    char message[512], *whole = NULL;
    vsnprintf(message, sizeof(message), format, args);
    int len =
        line ? asprintf(&whole, "%s:%zu: %s", file->source.name, source_number(line, 0), message)
             : asprintf(&whole, "%s", message);
    if (len < 0)
        abort();
    file->warnings = alloc_array(file->warnings, file->warning_count + 1, sizeof(char *));
    file->warnings[file->warning_count++] = whole;
}

void planner_warn(const struct instruction *in, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add_warning(in->planner->file, in->line, format, args);
    va_end(args);
}

void dockerfile_warn(struct dockerfile *file, const struct dockerfile_step *step,
                     const char *format, ...) {
    va_list args;
    va_start(args, format);
    add_warning(file, step->line, format, args);
    va_end(args);
}

static struct dockerfile_step *add_step(const struct instruction *in, const char *type,
                                        json_t *args, struct error *err) {
    struct dockerfile_stage *stage = planner_stage(in->planner);
    if (!args) {
        planner_fail(in, 0, err, "this is no UTF-8");
        return NULL;
    }
    stage->steps = alloc_array(stage->steps, stage->step_count + 1, sizeof(*stage->steps));
    struct dockerfile_step *step = &stage->steps[stage->step_count++];
    *step = (struct dockerfile_step){.type = type, .args = args, .from = -1, .line = in->line};
    return step;
}

/* A stage without an instruction of its own, which is there to be copied from, needs no step. */
struct dockerfile_step *planner_add(const struct instruction *in, const char *type, json_t *args,
                                    struct error *err) {
    bool ok = planner_stage(in->planner)->step_count ||
              (add_step(in, "USER", json_pack("[s]", "root"), err) &&
               add_step(in, "WORKDIR", json_pack("[s]", "/"), err));
    if (ok)
        return add_step(in, type, args, err);
    json_decref(args);
    return NULL;
}

bool planner_flag(const struct instruction *in, size_t *at, struct flag *flag) {
    const char *word = in->text + *at;
    size_t len = strcspn(word, " \t");
    if (strncmp(word, "--", 2) != 0 || len == 2)
        return false;
    size_t sign = strcspn(word, "=");
    *flag = (struct flag){.name = word + 2, .name_len = MIN(sign, len) - 2, .at = *at};
    if (sign < len) {
        flag->value = word + sign + 1;
        flag->value_len = len - sign - 1;
    }
    *at += len + strspn(word + len, " \t");
    return true;
}

char *planner_expand(const struct instruction *in, const struct scope *scope, size_t start,
                     size_t end, struct error *err) {
    const struct dockerfile *file = in->planner->file;
    struct expansion x = {.scope = scope, .escape = file->source.escape};
    cleanup_buf struct buf out = BUF_INIT(EXPAND_MAX);
    if (!expand(&x, in->text + start, end - start, &out, err)) {
        source_blame(&file->source, in->line, start + x.at, err);
        return NULL;
    }
    if (x.undefined[0])
        planner_warn(in, "neither ARG nor ENV sets $%s: it is empty here", x.undefined);
    return buf_steal(&out);
}
