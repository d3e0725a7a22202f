/* SPDX-License-Identifier: Apache-2.0
 *
 * From the command line to a parsed Dockerfile; the steps are made in steps.c.
 */
#include "cli/template/project.h"

#include "cli/context.h"
#include "cli/template/steps.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MAX_SIZE = 4 << 20 };

static char *copy(const char *text) {
    char *copied = strdup(text);
    if (!copied)
        abort();
    return copied;
}

/* ---- files of the folder ----------------------------------------------------------------------
 */

/* False with errno ENOENT, and err empty, if there is none. */
static bool read_file(const struct project *project, const char *name, struct buf *text,
                      struct error *err) {
    cleanup_close int fd = openat(project->context, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return false;
    if (fd < 0 || !io_read_all(fd, text))
        error_errno(err, errno, "cannot read %s/%s", project->path, name);
    return err->kind == ERR_NONE;
}

static const char *text_of(const struct buf *text) {
    return text->len ? text->data : "";
}

static bool open_context(struct project *project, const struct invocation *in, struct error *err) {
    project->path = copy(option_string(in, "path"));
    project->context = open(project->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return project->context >= 0 || error_errno(err, errno, "cannot open %s", project->path);
}

static bool read_settings(struct project *project, const struct invocation *in, struct error *err) {
    const char *named = option_string(in, "config"), *name = named ? named : "e2b.toml";
    cleanup_buf struct buf text = BUF_INIT(FILE_MAX_SIZE);
    if (read_file(project, name, &text, err))
        return settings_parse(&project->settings, name, text_of(&text), text.len, err);
    if (err->kind == ERR_NONE && named)
        return error_set(err, ERR_NOT_FOUND, "there is no %s in %s", named, project->path);
    return err->kind == ERR_NONE;
}

static bool find_dockerfile(struct project *project, const struct invocation *in, struct buf *text,
                            struct error *err) {
    static const char *const usual[] = {"e2b.Dockerfile", "Dockerfile"};
    const char *named = option_string(in, "dockerfile");
    if (!named)
        named = project->settings.dockerfile;
    for (size_t i = 0; i < (named ? 1 : ARRAY_LEN(usual)); i++) {
        const char *name = named ? named : usual[i];
        if (read_file(project, name, text, err)) {
            project->dockerfile_name = copy(name);
            return true;
        }
        if (err->kind != ERR_NONE)
            return false;
    }
    char *real = realpath(project->path, NULL);
    if (named)
        error_set(err, ERR_INVALID, "No ./%s found in the root directory (%s)", named,
                  real ? real : project->path);
    else
        error_set(err, ERR_INVALID,
                  "No ./e2b.Dockerfile or ./Dockerfile found in the root directory (%s)",
                  real ? real : project->path);
    free(real);
    return error_hint(err, "--path chooses the folder, --dockerfile the file in it");
}

static bool parse_dockerfile(struct project *project, const struct invocation *in,
                             struct error *err) {
    cleanup_buf struct buf text = BUF_INIT(FILE_MAX_SIZE);
    struct dockerfile_options options = {0};
    if (!find_dockerfile(project, in, &text, err))
        return false;
    options.name = project->dockerfile_name;
    options.target = option_string(in, "target");
    options.build_arg_count = option_list(in, "build-arg", &options.build_args);
    return dockerfile_parse(&project->file, text_of(&text), text.len, &options, err);
}

/* "<Dockerfile>.dockerignore" counts before the one of the folder, for Docker. */
static bool read_ignore(struct project *project, bool is_compat, struct error *err) {
    cleanup_buf struct buf text = BUF_INIT(FILE_MAX_SIZE);
    cleanup_free char *own = NULL;
    if (asprintf(&own, "%s.dockerignore", project->dockerfile_name) < 0)
        abort();
    const char *const names[] = {own, ".dockerignore"};
    for (size_t i = is_compat; i < ARRAY_LEN(names); i++) {
        if (read_file(project, names[i], &text, err)) {
            project->ignore_name = copy(names[i]);
            return ignore_parse(&project->ignore, names[i], text_of(&text), text.len, is_compat,
                                err);
        }
        if (err->kind != ERR_NONE)
            return false;
    }
    project->ignore.is_compat = is_compat;
    return true;
}

bool project_open(struct project *project, const struct invocation *in, struct error *err) {
    *project =
        (struct project){.is_local = in->context->target.kind == TARGET_LOCAL, .context = -1};
    return open_context(project, in, err) && read_settings(project, in, err) &&
           parse_dockerfile(project, in, err) &&
           read_ignore(project, option_bool(in, "ignore-compat"), err) && steps_make(project, err);
}

static void step_free(struct project_step *step) {
    json_decref(step->json);
    tree_free(&step->tree);
    free(step->source);
    free(step->dest);
}

void project_free(struct project *project) {
    for (size_t i = 0; i < project->stage_count; i++) {
        for (size_t j = 0; j < project->stages[i].count; j++)
            step_free(&project->stages[i].steps[j]);
        free(project->stages[i].steps);
    }
    free(project->stages);
    free(project->path);
    free(project->dockerfile_name);
    free(project->ignore_name);
    settings_free(&project->settings);
    ignore_free(&project->ignore);
    dockerfile_free(&project->file);
    close_fd(&project->context);
}

const struct project_step *project_step_called(const struct project *project, const char *name) {
    const char *colon = strrchr(name, ':'), *number = colon ? colon + 1 : name;
    char *end;
    unsigned long at = strtoul(number, &end, 10);
    for (size_t i = 0; i < project->stage_count && end != number && !*end; i++) {
        const struct project_stage *stage = &project->stages[i];
        const bool is_last = i + 1 == project->stage_count;
        const size_t len = colon ? (size_t)(colon - name) : 0;
        if ((is_last ? !colon : strlen(stage->name) == len && !memcmp(stage->name, name, len)) &&
            at >= 1 && at <= stage->count)
            return &stage->steps[at - 1];
    }
    return NULL;
}

struct project_step *project_next(const struct project *project, size_t *at) {
    size_t number = 0;
    for (size_t i = 0; i < project->stage_count; i++)
        for (size_t j = 0; j < project->stages[i].count; j++) {
            struct project_step *step = &project->stages[i].steps[j];
            if (step->source && number++ == *at) {
                (*at)++;
                return step;
            }
        }
    return NULL;
}
