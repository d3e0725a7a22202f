/* SPDX-License-Identifier: Apache-2.0
 *
 * What a build is asked to do: where it starts from, its steps, and what runs in the sandboxes made
 * from it.
 */
#ifndef E2B_CORE_BUILD_SPEC_H
#define E2B_CORE_BUILD_SPEC_H

#include "common/error.h"

enum build_step_type { STEP_RUN, STEP_COPY, STEP_ENV, STEP_WORKDIR, STEP_USER };

enum {
    BUILD_MAX_STEPS = 1000,
    BUILD_MAX_ARGS = 1000,
    BUILD_FILES_HASH = 64 + 1,
};

struct build_step {
    enum build_step_type type;
    char name[16]; /* of the type, as it was given: "ADD" */
    char **args;
    size_t count;
    char files_hash[BUILD_FILES_HASH]; /* "": none */
    bool force;
};

struct build_spec {
    char *from_image, *from_template; /* one of the two, or: */
    char *from_file;                  /* an image to be imported, and that opened */
    int file;
    char *start_cmd, *ready_cmd; /* "": none */
    bool force;
    struct build_step *steps;
    size_t count;
};

void build_spec_free(struct build_spec *spec);
/* Do the steps have what their types need? ERR_INVALID with the contract's texts. */
bool build_spec_check(const struct build_spec *spec, struct error *err);
bool build_step_parse_type(const char *name, enum build_step_type *type);

#endif
