/* SPDX-License-Identifier: Apache-2.0
 *
 * The noun's table.
 */
#include "cli/event/event.h"

#include "cli/root.h"

static const struct command *const children[] = {&command_event_list, &command_event_tail, NULL};

const struct command command_event = {
    .name = "event",
    .summary = "what happened to sandboxes",
    .children = children,
    .examples = (const char *const[]){"e2b event list --since 1h", "the last hour",
                                      "e2b event tail --events killed",
                                      "see sandboxes end as they do", NULL},
};
