/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: Dockerfiles. Whatever stands in one, it is either refused with words or made of
 * steps that are texts, copy from earlier stages only, and name no file outside of the context.
 */
#include "cli/dockerfile/dockerfile.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool truth) {
    if (!truth)
        abort();
}

static void check_source(const char *path) {
    int depth = 0;
    need(*path && *path != '/');
    while (*path) {
        size_t len = strcspn(path, "/");
        if (len == 2 && strncmp(path, "..", 2) == 0)
            depth--;
        else if (len && !(len == 1 && *path == '.'))
            depth++;
        need(depth >= 0);
        path += len + (path[len] == '/');
    }
}

static void check_step(const struct dockerfile_step *step, size_t stage) {
    need(json_array_size(step->args) > 0 && step->line);
    for (size_t i = 0; i < json_array_size(step->args); i++)
        need(json_is_string(json_array_get(step->args, i)));
    need(step->from < (int)stage);
    need(!step->image || step->from < 0);
    if (step->source && step->from < 0 && !step->image)
        check_source(step->source);
    need((strcmp(step->type, "COPY") == 0) == (step->source != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const given[] = {"A=$b c", "V="};
    const struct dockerfile_options options = {
        .name = "Dockerfile", .build_args = given, .build_arg_count = ARRAY_LEN(given)};
    struct dockerfile file;
    struct error err = ERROR_INIT;
    if (!dockerfile_parse(&file, (const char *)data, size, &options, &err)) {
        need(err.kind != ERR_NONE && err.message[0]);
        return 0;
    }
    need(file.stage_count > 0 && dockerfile_last(&file)->is_needed);
    for (size_t i = 0; i < file.stage_count; i++) {
        need(file.stages[i].image && *file.stages[i].image);
        for (size_t j = 0; j < file.stages[i].step_count; j++)
            check_step(&file.stages[i].steps[j], i);
    }
    dockerfile_free(&file);
    return 0;
}
