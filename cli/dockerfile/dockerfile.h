/* SPDX-License-Identifier: Apache-2.0
 *
 * A Dockerfile as what a template build is made of: stages of steps in the words of the API
 * (COPY [source, dest, owner, mode], RUN [command], ENV and ARG [name, value, ...], WORKDIR, USER),
 * a start command and a ready command. What Docker means is kept; what no server can do is refused
 * with the place in the file. Pure text: the files that COPY names are not looked at here.
 */
#ifndef E2B_CLI_DOCKERFILE_DOCKERFILE_H
#define E2B_CLI_DOCKERFILE_DOCKERFILE_H

#include "cli/dockerfile/source.h"

#include <jansson.h>

struct dockerfile_step {
    const char *type; /* "COPY", "RUN", "ENV", "ARG", "WORKDIR", "USER" */
    json_t *args;     /* owned, strings */
    /* COPY: */
    char *source; /* a pattern within the context, as it was written; also args[0] */
    char *dest;   /* as it was written; args[1] may say it more plainly */
    bool is_add;  /* archives are unpacked */
    bool is_only; /* the only source of its instruction */
    int from;     /* the stage it copies from; -1: */
    char *image;  /* an image; NULL: the context */

    const struct source_line *line; /* in dockerfile.source */
    size_t at;
};

struct dockerfile_stage {
    char *name;  /* of AS, or NULL */
    char *image; /* what the chain of FROMs starts with */
    struct dockerfile_step *steps;
    size_t step_count;
    bool is_needed; /* the last one, and what it copies from */
};

struct dockerfile {
    struct source source;
    struct dockerfile_stage *stages; /* the last one is the template */
    size_t stage_count;
    char *start; /* command, or NULL */
    char **warnings;
    size_t warning_count;
};

struct dockerfile_options {
    const char *name;              /* of the file, as shown in errors; outlives the dockerfile */
    const char *const *build_args; /* "NAME=VALUE", or NAME: the environment's */
    size_t build_arg_count;
    const char *target; /* the stage that becomes the template, by name or number; NULL: the last */
};

bool dockerfile_parse(struct dockerfile *file, const char *text, size_t len,
                      const struct dockerfile_options *options, struct error *err);
void dockerfile_free(struct dockerfile *file);
#define cleanup_dockerfile cleanup(dockerfile_free)

static inline const struct dockerfile_stage *dockerfile_last(const struct dockerfile *file) {
    return &file->stages[file->stage_count - 1];
}
/* Puts the place of a step in front of the message. Returns false. */
bool dockerfile_blame(const struct dockerfile *file, const struct dockerfile_step *step,
                      struct error *err);
void dockerfile_warn(struct dockerfile *file, const struct dockerfile_step *step,
                     const char *format, ...) printf_like(3, 4);

#endif
