/* SPDX-License-Identifier: Apache-2.0
 *
 * `volume ls`, `volume cat`, `volume rm`: the files of a volume, which no sandbox needs to have
 * mounted for that.
 */
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/sandbox/view.h"
#include "cli/volume/volume.h"

#include <stdio.h>

static const struct option_spec ls_options[] = {
    {.name = "depth",
     .type = OPTION_INTEGER,
     .value = "levels",
     .fallback = "1",
     .min = 1,
     .max = 1024,
     .help = "how far to descend"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

static int ls_run(struct invocation *in, struct error *err) {
    static const struct resource_column columns[] = {
        {"TYPE", "type", NULL}, {"SIZE", "size", NULL},
        {"UID", "uid", NULL},   {"MODIFIED AT", "mtime", view_time},
        {"PATH", "path", NULL}, {0},
    };
    char more[32];
    cleanup_volume struct volume_handle volume = {0};
    cleanup_response struct response response = {0};
    snprintf(more, sizeof(more), "&depth=%lld", (long long)option_number(in, "depth"));
    const struct volume_call call = {.method = "GET",
                                     .what = "dir",
                                     .path = in->arg_count > 1 ? in->args[1] : "/",
                                     .more = more,
                                     .sink = -1};
    if (!volume_handle_get(in->client, in->args[0], &volume, err) ||
        !volume_call(in->client, &volume, &call, &response, err))
        return -1;
    resource_print(in, response.json, columns, "Nothing is there");
    return EXIT_OK;
}

const struct command command_volume_ls = {
    .name = "ls",
    .summary = "list files of a volume",
    .arguments = "<volume> [path]",
    .min_args = 1,
    .max_args = 2,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = ls_options,
    .examples = (const char *const[]){"e2b volume ls data --depth 3", "what is in it", NULL},
    .handler = ls_run,
};

static int cat_run(struct invocation *in, struct error *err) {
    cleanup_volume struct volume_handle volume = {0};
    cleanup_response struct response response = {0};
    const struct volume_call call = {
        .method = "GET", .what = "file", .path = in->args[1], .more = "", .sink = STDOUT_FILENO};
    return volume_handle_get(in->client, in->args[0], &volume, err) &&
                   volume_call(in->client, &volume, &call, &response, err)
               ? EXIT_OK
               : -1;
}

const struct command command_volume_cat = {
    .name = "cat",
    .summary = "print a file of a volume",
    .arguments = "<volume> <path>",
    .min_args = 2,
    .max_args = 2,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b volume cat data /notes.txt", "one file", NULL},
    .handler = cat_run,
};

static int rm_run(struct invocation *in, struct error *err) {
    cleanup_volume struct volume_handle volume = {0};
    if (!volume_handle_get(in->client, in->args[0], &volume, err))
        return -1;
    for (int i = 1; i < in->arg_count; i++) {
        cleanup_response struct response response = {0};
        const struct volume_call call = {
            .method = "DELETE", .what = "path", .path = in->args[i], .more = "", .sink = -1};
        if (!volume_call(in->client, &volume, &call, &response, err))
            return -1;
    }
    return EXIT_OK;
}

const struct command command_volume_rm = {
    .name = "rm",
    .summary = "remove files and directories of a volume, with all that is in them",
    .arguments = "<volume> <paths...>",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b volume rm data /old", "a directory", NULL},
    .handler = rm_run,
};
