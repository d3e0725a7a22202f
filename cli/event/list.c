/* SPDX-License-Identifier: Apache-2.0
 *
 * `event list`: what happened, oldest first as a log is read.
 */
#include "cli/event/event.h"
#include "cli/output.h"

static const struct option_spec options[] = {
    EVENT_TYPES_OPTION("only these types, e.g. created,killed"),
    {.name = "since",
     .type = OPTION_STRING,
     .value = "time",
     .help = "not before then: a time, or how long ago (15m, 2h, 1d)"},
    {.name = "limit",
     .letter = 'l',
     .type = OPTION_INTEGER,
     .value = "number",
     .min = 1,
     .max = 100000,
     .fallback = "100",
     .help = "how many at most, the newest"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

static int list_run(struct invocation *in, struct error *err) {
    cleanup_event_feed struct event_feed feed = {0};
    json_t *event;
    size_t i;
    if (!event_feed_open(&feed, in, err))
        return -1;
    cleanup_json json_t *events = event_feed_next(&feed, option_number(in, "limit"), err);
    if (!events)
        return -1;
    if (output_wants_json(in)) {
        output_json(stdout, events);
        return EXIT_OK;
    }
    json_array_foreach(events, i, event) {
        event_print(stdout, event);
    }
    if (!json_array_size(events))
        puts("No events found");
    return EXIT_OK;
}

const struct command command_event_list = {
    .name = "list",
    .aliases = {"ls"},
    .summary = "list what happened to all sandboxes, or to one",
    .description = "Also of sandboxes that are gone. Oldest first.",
    .arguments = "[sandboxID]",
    .complete = "sandbox",
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b event list --events created,killed --since 1d",
                                      "what began and ended since yesterday",
                                      "e2b event list i1234567890abcdefghij --format json",
                                      "the life of one sandbox, as JSON", NULL},
    .handler = list_run,
};
