/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands below `e2b event`, and how they read events: the service gives pages, newest first,
 * so what is new is found by reading back to what is known.
 */
#ifndef E2B_CLI_EVENT_EVENT_H
#define E2B_CLI_EVENT_EVENT_H

#include "cli/command.h"
#include "cli/event/types.h"
#include "client/client.h"

extern const struct command command_event_list;
extern const struct command command_event_tail;

struct event_feed {
    struct client *client;
    char *path; /* with the query's constant part */
    int64_t since_ms;
    char last_id[64]; /* the newest that is known; "": none */
};
void event_feed_free(struct event_feed *feed);
#define cleanup_event_feed cleanup(event_feed_free)

/* From the sandbox that may be the first argument, and --events and --since. */
bool event_feed_open(struct event_feed *feed, const struct invocation *in, struct error *err);
/* At most `limit` (the newest) of those that are not known, oldest first. */
json_t *event_feed_next(struct event_feed *feed, int64_t limit, struct error *err);

/* "2026-01-02T03:04:05Z  killed  iabc...  reason". */
void event_print(FILE *out, const json_t *event);
/* One line of JSON. */
void event_print_json(FILE *out, const json_t *event);

#endif
