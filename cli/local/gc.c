/* SPDX-License-Identifier: Apache-2.0
 *
 * `local gc`.
 */
#include "cli/fields.h"
#include "cli/local/local.h"
#include "cli/output.h"
#include "common/json.h"

static const struct option_spec options[] = {
    {.name = "dry-run", .type = OPTION_BOOL, .help = "only say what would be removed"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

static const struct field fields[] = {
    {"records", "Records of ended sandboxes", NULL},
    {"trash", "Directories in the trash", NULL},
    {0},
};

static int gc_run(struct invocation *in, struct error *err) {
    const bool dry = option_bool(in, "dry-run");
    cleanup_json json_t *found = NULL;
    if (!local_call(in->client, "POST", dry ? "/local/gc?dryRun=true" : "/local/gc", &found, err))
        return -1;
    if (output_wants_json(in)) {
        output_json(stdout, found);
    } else {
        puts(dry ? "Would be removed:" : "Removed:");
        fields_print(stdout, found, fields);
    }
    return EXIT_OK;
}

const struct command command_local_gc = {
    .name = "gc",
    .summary = "remove what the backend keeps for nobody",
    .description = "Records of sandboxes that ended an hour ago and more, and what is left in the "
                   "trash, which goes in the background. Layers and base templates that nothing "
                   "is made of any more go by themselves.",
    .flags = COMMAND_API | COMMAND_LOCAL | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b local gc --dry-run", "what there is", NULL},
    .handler = gc_run,
};
