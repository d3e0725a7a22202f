/* SPDX-License-Identifier: Apache-2.0
 *
 * `template pack`: the archives that a build would upload, as files. Needs no server.
 */
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/template/project.h"
#include "cli/template/template.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct option_spec options[] = {
    PROJECT_OPTIONS,
    {.name = "output",
     .letter = 'o',
     .type = OPTION_PATH,
     .value = "folder",
     .help = "where to write the archives; made if it is not there"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

static bool on_step(void *ctx, uint64_t bytes) {
    (void)ctx;
    (void)bytes;
    return !interrupt_signal();
}

/* Under its name only when it is whole. */
static bool pack_step(const struct pack_api *pack, int folder, struct project_step *step,
                      uint64_t *size, struct error *err) {
    static const char half_made[] = ".e2b-pack.partial";
    const struct pack_watch watch = {.step = on_step};
    char name[PACK_HASH + sizeof(".tar.gz")];
    cleanup_close int fd =
        openat(folder, half_made, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return error_errno(err, errno, "cannot write to the output folder");
    bool ok = pack->write(&step->tree, step->source, step->dest, &watch, fd, step->hash, size, err);
    snprintf(name, sizeof(name), "%s.tar.gz", step->hash);
    if (ok && renameat(folder, half_made, folder, name) < 0)
        ok = error_errno(err, errno, "cannot write %s", name);
    if (!ok)
        unlinkat(folder, half_made, 0);
    return ok;
}

static void print_step(const struct project_step *step, uint64_t size) {
    printf("%s  %12" PRIu64 "  ", step->hash, size);
    output_safe(stdout, step->source, "");
    putchar('\n');
}

static json_t *step_json(const struct project_step *step, uint64_t size) {
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "source", step->source, "dest", step->dest,
                     "filesHash", step->hash, "files", (json_int_t)step->tree.files, "bytes",
                     (json_int_t)step->tree.bytes, "packedBytes", (json_int_t)size);
}

static bool pack_all(const struct invocation *in, const struct project *project, int folder,
                     struct error *err) {
    const struct pack_api *pack = pack_load(err);
    bool as_json = output_wants_json(in);
    json_t *all = json_array();
    struct project_step *step;
    bool ok = pack;
    for (size_t at = 0; ok && (step = project_next(project, &at));) {
        uint64_t size = 0;
        ok = pack_step(pack, folder, step, &size, err) ||
             dockerfile_blame(&project->file, step->origin, err);
        if (ok && as_json)
            json_array_append_new(all, step_json(step, size));
        else if (ok)
            print_step(step, size);
    }
    if (ok && as_json)
        output_json(stdout, all);
    json_decref(all);
    return ok;
}

static int pack_run(struct invocation *in, struct error *err) {
    cleanup_project struct project project = {.context = -1};
    const char *output = option_string(in, "output");
    if (!output)
        return error_set(err, ERR_USAGE, "-o/--output names the folder for the archives") - 1;
    interrupt_catch();
    if (!project_open(&project, in, err) || !io_mkdirs(output, 0777, err))
        return -1;
    for (size_t i = 0; i < project.file.warning_count; i++)
        fprintf(stderr, "%s\n", project.file.warnings[i]);
    cleanup_close int folder = open(output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_errno(err, errno, "cannot open %s", output) - 1;
    if (pack_all(in, &project, folder, err))
        return EXIT_OK;
    return interrupt_signal() ? interrupt_status() : -1;
}

const struct command command_template_pack = {
    .name = "pack",
    .summary = "write the archives that a build would upload",
    .description = "One <filesHash>.tar.gz for each COPY, and a line for each: hash, size, source. "
                   "The hashes are those of the official clients, so caches are shared.",
    .options = options,
    .examples = (const char *const[]){"e2b template pack -p app -o /tmp/layers",
                                      "see what would be uploaded", NULL},
    .handler = pack_run,
};
