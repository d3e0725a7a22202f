/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/build_spec.h"

#include <string.h>

static const struct {
    const char *name;
    enum build_step_type type;
} types[] = {
    {"RUN", STEP_RUN}, {"COPY", STEP_COPY}, {"ADD", STEP_COPY},        {"ENV", STEP_ENV},
    {"ARG", STEP_ARG}, {"USER", STEP_USER}, {"WORKDIR", STEP_WORKDIR},
};

bool build_step_parse_type(const char *name, enum build_step_type *type) {
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i].name, name) == 0) {
            *type = types[i].type;
            return true;
        }
    return false;
}

bool build_spec_new(struct build_spec *spec, size_t stage_count) {
    spec->stages = calloc(stage_count, sizeof(*spec->stages));
    spec->stage_count = spec->stages ? stage_count : 0;
    return spec->stages;
}

static void stage_free(struct build_stage *stage) {
    for (size_t i = 0; i < stage->count; i++) {
        for (size_t k = 0; k < stage->steps[i].count; k++)
            free(stage->steps[i].args[k]);
        free(stage->steps[i].args);
    }
    free(stage->steps);
    free(stage->from_image);
    free(stage->from_template);
}

void build_spec_free(struct build_spec *spec) {
    for (size_t i = 0; i < spec->stage_count; i++)
        stage_free(&spec->stages[i]);
    free(spec->stages);
    close_fd(&spec->file);
    free(spec->from_file);
    free(spec->start_cmd);
    free(spec->ready_cmd);
    *spec = (struct build_spec){.file = -1};
}

/* "", "0755", or what looks like "u=rwX,go=rX": chmod knows for sure. */
static bool may_be_mode(const char *text) {
    size_t len = strlen(text);
    return (len <= 4 && strspn(text, "01234567") == len) ||
           (len < 64 && strpbrk(text, "+-=") && !text[strspn(text, "ugoa+-=rwxXst,")]);
}

static bool check_copy(const struct build_step *step, size_t stage, struct error *err) {
    const bool is_uploaded = *step->files_hash;
    if (!is_uploaded && step->from_stage < 0)
        return error_set(err, ERR_INVALID, "%s needs filesHash", step->name);
    if (step->from_stage >= 0 && (is_uploaded || (size_t)step->from_stage >= stage))
        return error_set(err, ERR_INVALID, "%s can take files from an earlier stage alone",
                         step->name);
    return step->count < 4 || may_be_mode(step->args[3]) ||
           error_set(err, ERR_INVALID, "'%.20s' is no mode", step->args[3]);
}

static bool check_step(const struct build_step *step, size_t stage, struct error *err) {
    static const size_t least[] = {[STEP_RUN] = 1, [STEP_COPY] = 2,    [STEP_ENV] = 2,
                                   [STEP_ARG] = 2, [STEP_WORKDIR] = 1, [STEP_USER] = 1};
    if (step->count < least[step->type])
        return error_set(err, ERR_INVALID, "%s needs at least %zu arguments", step->name,
                         least[step->type]);
    if ((step->type == STEP_ENV || step->type == STEP_ARG) && step->count % 2)
        return error_set(err, ERR_INVALID, "%s needs a value for every name", step->name);
    return step->type != STEP_COPY || check_copy(step, stage, err);
}

bool build_spec_check(const struct build_spec *spec, struct error *err) {
    for (size_t i = 0; i < spec->stage_count; i++) {
        const struct build_stage *stage = &spec->stages[i];
        if (!stage->from_image == !stage->from_template)
            return error_set(err, ERR_INVALID,
                             "exactly one of fromImage and fromTemplate must be given");
        for (size_t k = 0; k < stage->count; k++)
            if (!check_step(&stage->steps[k], i, err))
                return error_wrap(err, "step %zu", k + 1);
    }
    return true;
}
