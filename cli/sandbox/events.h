/* SPDX-License-Identifier: Apache-2.0
 *
 * What a sandbox tells of a process: that it runs, what it writes, how it ended.
 */
#ifndef E2B_CLI_SANDBOX_EVENTS_H
#define E2B_CLI_SANDBOX_EVENTS_H

#include "cli/sandbox/attach.h"
#include "cli/sandbox/sink.h"

struct events {
    struct attach_end *end; /* borrowed; gets the pid and the end */
    struct sink out, err;
    bool ended;
};

/* Takes in one message of process.Process/Start. */
bool events_take(struct events *events, const json_t *message, struct error *err);
/* Can more output be taken? */
static inline bool events_drained(const struct events *events) {
    return sink_empty(&events->out) && sink_empty(&events->err);
}
void events_free(struct events *events);

#endif
