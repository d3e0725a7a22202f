/* SPDX-License-Identifier: Apache-2.0
 *
 * What a build is asked to do: where it starts from, its steps, and what runs in the sandboxes made
 * from it.
 */
#ifndef E2B_CORE_BUILD_SPEC_H
#define E2B_CORE_BUILD_SPEC_H

#include "common/error.h"

enum build_step_type { STEP_RUN, STEP_COPY, STEP_ENV, STEP_ARG, STEP_WORKDIR, STEP_USER };

enum {
    BUILD_MAX_STEPS = 1000,
    BUILD_MAX_ARGS = 1000,
    BUILD_MAX_STAGES = 100,
    BUILD_FILES_HASH = 64 + 1,
    BUILD_STAGE_NAME = 64,
};

struct build_step {
    enum build_step_type type;
    char name[16]; /* of the type, as it was given: "ADD" */
    char **args;
    size_t count;
    char files_hash[BUILD_FILES_HASH]; /* "": none */
    int from_stage;                    /* that COPY takes its files from; -1: uploaded ones */
    bool force;
};

/* Steps on something. The last stage is the template; the others are there to be copied from. */
struct build_stage {
    char name[BUILD_STAGE_NAME];      /* of those, as errors and the log call it */
    char *from_image, *from_template; /* one of the two; none: the spec's file */
    struct build_step *steps;
    size_t count;
};

struct build_spec {
    struct build_stage *stages;
    size_t stage_count;
    char *from_file;             /* an image to be imported; NULL: none */
    int file;                    /* that opened */
    bool starts_image;           /* what the image says is its start command */
    char *start_cmd, *ready_cmd; /* "": none */
    bool force;
};

/* Room for the stages; false: no memory. */
bool build_spec_new(struct build_spec *spec, size_t stage_count);
void build_spec_free(struct build_spec *spec);
/* Do stages and steps have what their types need? ERR_INVALID with the contract's texts. */
bool build_spec_check(const struct build_spec *spec, struct error *err);
bool build_step_parse_type(const char *name, enum build_step_type *type);

#endif
