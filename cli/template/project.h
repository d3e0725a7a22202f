/* SPDX-License-Identifier: Apache-2.0
 *
 * What a template is built from: the folder, its Dockerfile, .dockerignore and e2b.toml, and the
 * steps with the files that they copy.
 */
#ifndef E2B_CLI_TEMPLATE_PROJECT_H
#define E2B_CLI_TEMPLATE_PROJECT_H

#include "cli/command.h"
#include "cli/dockerfile/dockerfile.h"
#include "cli/pack/pack.h"
#include "cli/template/settings.h"

struct project_step {
    const struct dockerfile_step *origin; /* for its place in the file */
    json_t *json;                         /* as it is sent; filesHash is added by hashing */
    struct tree tree;                     /* of a COPY from the folder; else empty */
    char *source, *dest;                  /* what is hashed with it */
    char hash[PACK_HASH];
};

struct project_stage {
    char name[64]; /* of all but the template's: as the log calls it */
    const char *image;
    struct project_step *steps;
    size_t count;
};

struct project {
    bool is_local; /* who builds it */
    int context;
    char *path, *dockerfile_name, *ignore_name; /* the latter NULL: there is none */
    struct settings settings;
    struct ignore ignore;
    struct dockerfile file;
    struct project_stage *stages; /* those that are needed; the last one is the template */
    size_t stage_count;
};

/* The rows of options that project_open() reads. */
#define PROJECT_OPTIONS                                                                            \
    {.name = "path",                                                                               \
     .letter = 'p',                                                                                \
     .type = OPTION_PATH,                                                                          \
     .value = "path",                                                                              \
     .fallback = ".",                                                                              \
     .help = "folder of the Dockerfile and of the files that it copies"},                          \
        {.name = "dockerfile",                                                                     \
         .letter = 'd',                                                                            \
         .type = OPTION_PATH,                                                                      \
         .value = "file",                                                                          \
         .help = "Dockerfile, in that folder (default: e2b.Dockerfile, else Dockerfile)"},         \
        {.name = "build-arg",                                                                      \
         .type = OPTION_LIST,                                                                      \
         .value = "KEY[=VALUE]",                                                                   \
         .help = "value of an ARG of the Dockerfile (without one: the environment's)"},            \
        {.name = "target",                                                                         \
         .type = OPTION_STRING,                                                                    \
         .value = "stage",                                                                         \
         .help = "stage of the Dockerfile that becomes the template (default: the last one)"},     \
        {.name = "config",                                                                         \
         .type = OPTION_PATH,                                                                      \
         .value = "e2b-toml",                                                                      \
         .help = "settings file, in that folder (default: e2b.toml, if there is one)"},            \
    {                                                                                              \
        .name = "ignore-compat", .type = OPTION_BOOL,                                              \
        .help = "read .dockerignore as the official command line does: plain patterns, no \"!\""   \
    }

/* Reads everything and selects the files; nothing is hashed yet. Warnings of the Dockerfile are in
 * project->file. */
bool project_open(struct project *project, const struct invocation *in, struct error *err);
void project_free(struct project *project);
#define cleanup_project cleanup(project_free)

/* As a server calls it: "3", or "STAGE:3" of another stage than the last; NULL: there is none. */
const struct project_step *project_step_called(const struct project *project, const char *name);
/* All steps that copy files, in order: *at counts from 0. NULL: no more. */
struct project_step *project_next(const struct project *project, size_t *at);

#endif
