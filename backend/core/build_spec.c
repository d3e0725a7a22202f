/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/build_spec.h"

#include <string.h>

static const struct {
    const char *name;
    enum build_step_type type;
} types[] = {
    {"RUN", STEP_RUN}, {"COPY", STEP_COPY}, {"ADD", STEP_COPY},        {"ENV", STEP_ENV},
    {"ARG", STEP_ENV}, {"USER", STEP_USER}, {"WORKDIR", STEP_WORKDIR},
};

bool build_step_parse_type(const char *name, enum build_step_type *type) {
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i].name, name) == 0) {
            *type = types[i].type;
            return true;
        }
    return false;
}

void build_spec_free(struct build_spec *spec) {
    for (size_t i = 0; i < spec->count; i++) {
        for (size_t k = 0; k < spec->steps[i].count; k++)
            free(spec->steps[i].args[k]);
        free(spec->steps[i].args);
    }
    free(spec->steps);
    free(spec->from_image);
    free(spec->from_template);
    if (spec->from_file)
        close(spec->file);
    free(spec->from_file);
    free(spec->start_cmd);
    free(spec->ready_cmd);
    *spec = (struct build_spec){.count = 0};
}

static bool is_octal(const char *text) {
    size_t len = strlen(text);
    return len <= 4 && strspn(text, "01234567") == len;
}

static bool check_step(const struct build_step *step, size_t number, struct error *err) {
    static const size_t least[] = {
        [STEP_RUN] = 1, [STEP_COPY] = 2, [STEP_ENV] = 2, [STEP_WORKDIR] = 1, [STEP_USER] = 1};
    if (step->count < least[step->type])
        return error_set(err, ERR_INVALID, "step %zu: %s needs at least %zu arguments", number,
                         step->name, least[step->type]);
    if (step->type == STEP_ENV && step->count % 2)
        return error_set(err, ERR_INVALID, "step %zu: %s needs a value for every name", number,
                         step->name);
    if (step->type != STEP_COPY)
        return true;
    if (!*step->files_hash)
        return error_set(err, ERR_INVALID, "step %zu: %s needs filesHash", number, step->name);
    return step->count < 4 || is_octal(step->args[3]) ||
           error_set(err, ERR_INVALID, "step %zu: '%.20s' is no octal mode", number, step->args[3]);
}

bool build_spec_check(const struct build_spec *spec, struct error *err) {
    if (!spec->from_image == !spec->from_template)
        return error_set(err, ERR_INVALID,
                         "exactly one of fromImage and fromTemplate must be given");
    for (size_t i = 0; i < spec->count; i++)
        if (!check_step(&spec->steps[i], i + 1, err))
            return false;
    return true;
}
