/* SPDX-License-Identifier: Apache-2.0
 *
 * A server takes what a pattern matched as one folder and merges it into the destination. That is
 * what Docker means only if the pattern is the last name and matches files: otherwise every match
 * becomes a step of its own.
 */
#include "cli/template/steps.h"

#include "cli/alloc.h"
#include "cli/quote.h"
#include "common/buf.h"
#include "common/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ADD_FOLDER "/.e2b-add/" /* not below /tmp, which need not outlive a step */

static struct project_step *add(struct project_stage *stage, const struct dockerfile_step *origin,
                                const char *type, json_t *args) {
    stage->steps = alloc_array(stage->steps, stage->count + 1, sizeof(*stage->steps));
    struct project_step *step = &stage->steps[stage->count++];
    *step = (struct project_step){.origin = origin};
    step->json = json_pack("{s:s, s:o, s:b}", "type", type, "args", args, "force", 0);
    if (!step->json)
        abort();
    return step;
}

/* ---- ADD of archives --------------------------------------------------------------------------
 */

/* By what the file starts with, as Docker looks at it. */
static bool is_archive(const struct project *project, const struct tree_entry *entry) {
    static const struct {
        size_t at, len;
        const char *bytes;
    } marks[] = {
        {0, 2, "\x1f\x8b"},
        {0, 3, "BZh"},
        {0, 6,
         "\xfd"
         "7zXZ"},
        {0, 4, "\x28\xb5\x2f\xfd"},
        {257, 5, "ustar"},
    };
    char head[512] = {0};
    cleanup_close int fd =
        S_ISREG(entry->mode) ? tree_open(project->context, entry->path, O_RDONLY | O_NOFOLLOW) : -1;
    ssize_t len = fd >= 0 ? read(fd, head, sizeof(head)) : 0;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (len > (ssize_t)marks[i].at &&
            memcmp(head + marks[i].at, marks[i].bytes, marks[i].len) == 0)
            return true;
    return false;
}

/* It is copied aside, and unpacked by the build. */
static void add_unpacking(struct project_stage *stage, const struct dockerfile_step *origin,
                          const char *name, const char *dest) {
    cleanup_buf struct buf command = BUF_INIT(1 << 16);
    const char *slash = strrchr(name, '/');
    bool ok = buf_puts(&command, "mkdir -p ") && quote_word(&command, dest) &&
              buf_puts(&command, " && tar -xf " ADD_FOLDER) &&
              quote_word(&command, slash ? slash + 1 : name) && buf_puts(&command, " -C ") &&
              quote_word(&command, dest) && buf_puts(&command, " && rm -rf " ADD_FOLDER);
    if (!ok)
        abort();
    add(stage, origin, "RUN", json_pack("[s,s]", command.data, "root"));
}

/* ---- COPY -------------------------------------------------------------------------------------
 */

/* Not found has to be said with the place in the Dockerfile. */
static bool select_files(const struct project *project, const struct dockerfile_step *origin,
                         const char *source, struct tree *tree, struct error *err) {
    bool is_pattern = source == origin->source && glob_is_pattern(source);
    if (tree_select(tree, project->context, is_pattern ? TREE_PATTERN : TREE_PATH, source,
                    &project->ignore, err))
        return true;
    if (err->kind == ERR_NOT_FOUND) {
        error_set(err, ERR_INVALID, "No files found in %s/%s", project->path, source);
        error_hint(err, "does it exist there%s%s%s?", project->ignore_name ? ", and does " : "",
                   project->ignore_name ? project->ignore_name : "",
                   project->ignore_name ? " leave it in" : "");
    }
    return dockerfile_blame(&project->file, origin, err);
}

/* Docker copies what a link that is named leads to; no server does. */
static void warn_of_links(struct project *project, const struct dockerfile_step *origin,
                          const struct tree *tree) {
    for (size_t i = 0; i < tree->count; i++)
        if (tree->entries[i].is_root && S_ISLNK(tree->entries[i].mode))
            dockerfile_warn(&project->file, origin,
                            "%.300s is a symbolic link, and is copied as one: name what it leads "
                            "to if that is meant",
                            tree->entries[i].path);
}

static void add_copy(struct project *project, struct project_stage *stage,
                     const struct dockerfile_step *origin, const char *source, struct tree *tree) {
    warn_of_links(project, origin, tree);
    json_t *args = json_copy(origin->args);
    json_array_set_new(args, 0, json_string(source));
    struct project_step *step = add(stage, origin, "COPY", args);
    step->source = strdup(source);
    step->dest = strdup(origin->dest);
    if (!step->source || !step->dest)
        abort();
    step->tree = *tree;
    *tree = (struct tree){0};
}

/* One path without a pattern. */
static bool take_path(struct project *project, struct project_stage *stage,
                      const struct dockerfile_step *origin, const char *source, struct error *err) {
    cleanup_tree struct tree tree = {0};
    if (!select_files(project, origin, source, &tree, err))
        return false;
    bool unpacks = origin->is_add && tree.count == 1 && is_archive(project, &tree.entries[0]);
    cleanup_free char *name = strdup(tree.entries[0].path);
    add_copy(project, stage, origin, source, &tree);
    if (!unpacks)
        return true;
    struct project_step *step = &stage->steps[stage->count - 1];
    json_array_set_new(json_object_get(step->json, "args"), 1, json_string(ADD_FOLDER));
    free(step->dest);
    step->dest = strdup(ADD_FOLDER);
    if (!step->dest || !name)
        abort();
    add_unpacking(stage, origin, name, json_string_value(json_array_get(origin->args, 1)));
    return true;
}

/* May the server be given the pattern itself? */
static bool is_plain_match(const struct tree *tree, const struct dockerfile_step *origin,
                           bool into_folder) {
    const char *first = origin->source + strcspn(origin->source, "*?[\\");
    if (strchr(first, '/') || !into_folder || origin->is_add)
        return false;
    for (size_t i = 0; i < tree->count; i++)
        if (S_ISDIR(tree->entries[i].mode))
            return false;
    return true;
}

static bool take_pattern(struct project *project, struct project_stage *stage,
                         const struct dockerfile_step *origin, struct error *err) {
    cleanup_tree struct tree tree = {0};
    const char *dest = json_string_value(json_array_get(origin->args, 1));
    if (!select_files(project, origin, origin->source, &tree, err))
        return false;
    bool into_folder = dest[strlen(dest) - 1] == '/';
    if (tree.root_count > 1 && !into_folder) {
        error_set(err, ERR_INVALID,
                  "%s matches more than one: the destination must end with a slash",
                  origin->source);
        return dockerfile_blame(&project->file, origin, err);
    }
    if (is_plain_match(&tree, origin, into_folder)) {
        add_copy(project, stage, origin, origin->source, &tree);
        return true;
    }
    for (size_t i = 0; i < tree.count; i++)
        if (tree.entries[i].is_root &&
            !take_path(project, stage, origin, tree.entries[i].path, err))
            return false;
    return true;
}

/* ---- stages -----------------------------------------------------------------------------------
 */

static struct project_stage *add_stage(struct project *project, const char *image) {
    project->stages =
        alloc_array(project->stages, project->stage_count + 1, sizeof(*project->stages));
    struct project_stage *stage = &project->stages[project->stage_count++];
    *stage = (struct project_stage){.image = image};
    return stage;
}

/* The number of the one that is nothing but an image; -1. */
static int find_image(const struct project *project, const char *image) {
    for (size_t i = 0; i < project->stage_count; i++)
        if (strcmp(project->stages[i].image, image) == 0)
            return (int)i;
    return -1;
}

/* An image to copy from is a stage without steps; these come first. */
static void add_images(struct project *project, const struct dockerfile_stage *stage) {
    for (size_t i = 0; stage->is_needed && i < stage->step_count; i++) {
        const char *image = stage->steps[i].image;
        if (!image || find_image(project, image) >= 0)
            continue;
        struct project_stage *added = add_stage(project, image);
        snprintf(added->name, sizeof(added->name), "%s", image);
    }
}

/* ARG is said as the official clients say it to a service that keeps neither for its sandboxes. */
static const char *type_of(const struct project *project, const struct dockerfile_step *origin) {
    return strcmp(origin->type, "ARG") == 0 && !project->is_local ? "ENV" : origin->type;
}

static bool take_step(struct project *project, struct project_stage *stage, const int *numbers,
                      const struct dockerfile_step *origin, struct error *err) {
    if (origin->from >= 0 || origin->image) {
        json_t *json = add(stage, origin, origin->type, json_incref(origin->args))->json;
        int from = origin->image ? find_image(project, origin->image) : numbers[origin->from];
        json_object_set_new(json, "fromStage", json_integer(from));
        return true;
    }
    if (!origin->source) {
        add(stage, origin, type_of(project, origin), json_incref(origin->args));
        return true;
    }
    return glob_is_pattern(origin->source) ? take_pattern(project, stage, origin, err)
                                           : take_path(project, stage, origin, origin->source, err);
}

static bool take_stage(struct project *project, size_t number, const int *numbers,
                       struct error *err) {
    const struct dockerfile_stage *origin = &project->file.stages[number];
    struct project_stage *stage = add_stage(project, origin->image);
    if (origin->name)
        snprintf(stage->name, sizeof(stage->name), "%s", origin->name);
    else
        snprintf(stage->name, sizeof(stage->name), "stage-%zu", number);
    for (size_t i = 0; i < origin->step_count; i++)
        if (!take_step(project, stage, numbers, &origin->steps[i], err))
            return false;
    return true;
}

bool steps_make(struct project *project, struct error *err) {
    const struct dockerfile *file = &project->file;
    cleanup_free int *numbers = alloc_array(NULL, file->stage_count, sizeof(int));
    for (size_t i = 0; i < file->stage_count; i++)
        add_images(project, &file->stages[i]);
    for (size_t i = 0; i < file->stage_count; i++) {
        if (!file->stages[i].is_needed)
            continue;
        numbers[i] = (int)project->stage_count;
        if (!take_stage(project, i, numbers, err))
            return false;
    }
    return true;
}

/* ---- what is sent -----------------------------------------------------------------------------
 */

static json_t *steps_json(const struct project_stage *stage) {
    json_t *steps = json_array();
    for (size_t i = 0; i < stage->count; i++) {
        const struct project_step *step = &stage->steps[i];
        if (step->hash[0])
            json_object_set_new(step->json, "filesHash", json_string(step->hash));
        json_array_append(steps, step->json);
    }
    return steps;
}

json_t *steps_body(const struct project *project, const char *start, const char *ready,
                   bool force) {
    const struct project_stage *last = &project->stages[project->stage_count - 1];
    json_t *body = json_pack("{s:s*, s:s*, s:o, s:b, s:s}", "startCmd", start, "readyCmd", ready,
                             "steps", steps_json(last), "force", force, "fromImage", last->image);
    if (project->stage_count < 2)
        return body;
    json_t *stages = json_array();
    for (size_t i = 0; i + 1 < project->stage_count; i++)
        json_array_append_new(stages, json_pack("{s:s, s:s, s:o}", "name", project->stages[i].name,
                                                "fromImage", project->stages[i].image, "steps",
                                                steps_json(&project->stages[i])));
    json_object_set_new(body, "stages", stages);
    return body;
}
