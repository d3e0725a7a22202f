/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template/dry_run.h"

#include "cli/output.h"
#include "cli/template/steps.h"
#include "common/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { LARGEST = 10 };

struct largest {
    const struct tree_entry *entries[LARGEST];
    size_t count;
};

static void offer(struct largest *largest, const struct tree_entry *entry) {
    size_t at = largest->count;
    if (!S_ISREG(entry->mode))
        return;
    while (at && largest->entries[at - 1]->size < entry->size)
        at--;
    if (at == LARGEST)
        return;
    size_t kept = MIN(largest->count, (size_t)LARGEST - 1);
    memmove(&largest->entries[at + 1], &largest->entries[at], (kept - at) * sizeof(entry));
    largest->entries[at] = entry;
    largest->count = kept + 1;
}

static void find_largest(const struct project *project, struct largest *largest) {
    const struct project_step *step;
    for (size_t at = 0; (step = project_next(project, &at));)
        for (size_t i = 0; i < step->tree.count; i++)
            offer(largest, &step->tree.entries[i]);
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static json_t *copies_json(const struct project *project) {
    json_t *copies = json_array();
    const struct project_step *step;
    for (size_t at = 0; (step = project_next(project, &at));)
        json_array_append_new(copies, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "source",
                                                step->source, "dest", step->dest, "filesHash",
                                                step->hash, "files", (json_int_t)step->tree.files,
                                                "entries", (json_int_t)step->tree.count, "bytes",
                                                (json_int_t)step->tree.bytes));
    return copies;
}

static void print_json(const struct project *project) {
    struct largest largest = {0};
    cleanup_json json_t *all =
        json_pack("{s:s, s:s?, s:o, s:o, s:o, s:o}", "dockerfile", project->dockerfile_name,
                  "ignoreFile", project->ignore_name, "ignores", json_array(), "build",
                  steps_body(project, project->file.start, NULL, false), "copies",
                  copies_json(project), "largest", json_array());
    for (size_t i = 0; i < project->ignore.count; i++)
        json_array_append_new(json_object_get(all, "ignores"),
                              json_string(project->ignore.rules[i].text));
    find_largest(project, &largest);
    for (size_t i = 0; i < largest.count; i++)
        json_array_append_new(json_object_get(all, "largest"),
                              json_pack("{s:s, s:I}", "path", largest.entries[i]->path, "bytes",
                                        (json_int_t)largest.entries[i]->size));
    output_json(stdout, all);
}

/* ---- text -------------------------------------------------------------------------------------
 */

static void print_step(const struct project_step *step) {
    cleanup_free char *args = json_dumps(json_object_get(step->json, "args"), 0);
    printf("  %-7s ", json_string_value(json_object_get(step->json, "type")));
    output_safe(stdout, args ? args : "", "");
    if (step->hash[0])
        printf("\n          %s  %zu files, %" PRIu64 " bytes", step->hash, step->tree.files,
               step->tree.bytes);
    putchar('\n');
}

static void print_text(const struct project *project) {
    struct largest largest = {0};
    for (size_t i = 0; i < project->stage_count; i++) {
        const struct project_stage *stage = &project->stages[i];
        const bool is_last = i + 1 == project->stage_count;
        printf("FROM %s%s%s\n", stage->image, is_last ? "" : " AS ", is_last ? "" : stage->name);
        for (size_t j = 0; j < stage->count; j++)
            print_step(&stage->steps[j]);
    }
    if (project->file.start)
        printf("Start command: %s\n", project->file.start);
    printf("\nIgnored by %s:\n", project->ignore_name ? project->ignore_name : "nothing");
    for (size_t i = 0; i < project->ignore.count; i++)
        printf("  %s\n", project->ignore.rules[i].text);
    find_largest(project, &largest);
    puts("\nLargest files:");
    for (size_t i = 0; i < largest.count; i++) {
        printf("  %12" PRIu64 "  ", largest.entries[i]->size);
        output_safe(stdout, largest.entries[i]->path, "");
        putchar('\n');
    }
}

int dry_run(const struct invocation *in, const struct project *project) {
    if (strcmp(option_string(in, "progress"), "json") == 0)
        print_json(project);
    else
        print_text(project);
    return EXIT_OK;
}
