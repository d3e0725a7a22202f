/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox kill`.
 */
#include "cli/sandbox/handle.h"
#include "cli/sandbox/listing.h"
#include "cli/sandbox/sandbox.h"

#include <string.h>

static const struct option_spec options[] = {
    {.name = "all", .letter = 'a', .type = OPTION_BOOL, .help = "kill all sandboxes"},
    LISTING_OPTIONS,
    {0},
};

static bool check(const struct invocation *in, struct error *err) {
    bool all = option_bool(in, "all");
    if (!all && (option_given(in, "state") || option_given(in, "metadata")))
        return error_set(err, ERR_USAGE, "--state and --metadata need -a/--all");
    if (all && in->arg_count)
        return error_set(err, ERR_USAGE, "-a/--all goes with no sandboxIDs");
    if (!all && !in->arg_count)
        return error_set(err, ERR_USAGE,
                         "You need to specify [sandboxIDs...] or use -a/--all flag");
    return true;
}

/* Every one is tried; the status tells if any of them was not there. */
static int kill_named(const struct invocation *in, struct error *err) {
    int status = EXIT_OK;
    for (int i = 0; i < in->arg_count; i++) {
        bool found;
        if (!handle_kill(in->client, in->args[i], &found, err))
            return error_wrap(err, "Sandbox %s", in->args[i]) - 1;
        if (found) {
            printf("Sandbox %s has been killed\n", in->args[i]);
        } else {
            fflush(stdout);
            fprintf(stderr, "Sandbox %s wasn't found\n", in->args[i]);
            status = EXIT_NOT_FOUND;
        }
    }
    return status;
}

/* Asks for the first page again and again: those that were killed are no longer on it. Ends also if
 * nothing on it could be killed. */
static int kill_all(const struct invocation *in, struct error *err) {
    size_t total = 0, here;
    do {
        cleanup_listing struct listing listing = {0};
        if (!listing_start(in, NULL, &listing, err))
            return -1;
        cleanup_json json_t *page = listing_next(in->client, &listing, LISTING_PAGE, err);
        here = 0;
        for (size_t i = 0; i < json_array_size(page); i++) {
            const char *id =
                json_string_value(json_object_get(json_array_get(page, i), "sandboxID"));
            bool found;
            if (!id || !handle_kill(in->client, id, &found, err))
                return error_wrap(err, "Sandbox %s", id ? id : "?") - 1;
            here += found;
        }
        if (!page)
            return -1;
        total += here;
        if (!listing.more)
            break;
    } while (here);
    if (!total)
        printf("No %s sandboxes\n", option_string(in, "state"));
    else
        printf("Killed %zu %s sandboxes\n", total, option_string(in, "state"));
    return EXIT_OK;
}

static int kill_run(struct invocation *in, struct error *err) {
    if (!check(in, err))
        return -1;
    return option_bool(in, "all") ? kill_all(in, err) : kill_named(in, err);
}

const struct command command_sandbox_kill = {
    .name = "kill",
    .aliases = {"kl"},
    .summary = "kill sandboxes",
    .description = "Exits 4 if one of the named sandboxes was not there; the others are killed.",
    .arguments = "[sandboxIDs...]",
    .complete = "sandbox",
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b sandbox kill i1234567890abcdefghij", "kill one",
                                      "e2b sandbox kill --all --metadata app=web",
                                      "kill all with that label", NULL},
    .handler = kill_run,
};
