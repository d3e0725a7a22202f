/* SPDX-License-Identifier: Apache-2.0
 *
 * `event tail`: the last events and then those that come, until it is interrupted.
 */
#include "cli/event/event.h"
#include "cli/output.h"

#include <poll.h>
#include <unistd.h>

enum { POLL_MS = 500, AT_ONCE = 10000 };

static const struct option_spec options[] = {
    EVENT_TYPES_OPTION("only these types, e.g. created,killed"),
    {.name = "since",
     .type = OPTION_STRING,
     .value = "time",
     .help = "begin with what happened since then: a time, or how long ago (15m, 2h, 1d)"},
    {.name = "follow",
     .type = OPTION_BOOL,
     .help = "go on with what comes, as it does unless --no-follow is given"},
    {.name = "lines",
     .letter = 'n',
     .type = OPTION_INTEGER,
     .value = "number",
     .min = 0,
     .max = AT_ONCE,
     .fallback = "10",
     .help = "how many of those that are there to begin with"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

static bool print_all(const json_t *events, int64_t skip, bool as_json, bool *hung_up,
                      struct error *err) {
    for (size_t i = (size_t)skip; i < json_array_size(events); i++)
        (as_json ? event_print_json : event_print)(stdout, json_array_get(events, i));
    return output_finish(hung_up, err);
}

/* False: whoever reads what is printed has left. */
static bool wait_a_moment(void) {
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, POLL_MS) <= 0 || !(out.revents & (POLLERR | POLLHUP));
}

static int tail_run(struct invocation *in, struct error *err) {
    cleanup_event_feed struct event_feed feed = {0};
    bool as_json = output_wants_json(in), open, hung_up = false;
    bool follow = !option_given(in, "follow") || option_bool(in, "follow");
    int64_t lines = option_given(in, "since") ? AT_ONCE : option_number(in, "lines");
    if (!event_feed_open(&feed, in, err))
        return -1;
    /* Also where none is to be printed, the newest has to be known. */
    cleanup_json json_t *first = event_feed_next(&feed, MAX(lines, (int64_t)1), err);
    if (!first)
        return -1;
    open = print_all(first, lines ? 0 : (int64_t)json_array_size(first), as_json, &hung_up, err);
    while (open && follow && wait_a_moment()) {
        cleanup_json json_t *events = event_feed_next(&feed, AT_ONCE, err);
        if (!events)
            return -1;
        open = print_all(events, 0, as_json, &hung_up, err);
    }
    return open || hung_up ? EXIT_OK : -1;
}

const struct command command_event_tail = {
    .name = "tail",
    .summary = "print what happens to sandboxes as it happens",
    .description = "With --format json, one object a line.",
    .arguments = "[sandboxID]",
    .complete = "sandbox",
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b event tail", "watch all sandboxes",
                                      "e2b event tail --since 1h --no-follow --format json",
                                      "the last hour as lines of JSON", NULL},
    .handler = tail_run,
};
