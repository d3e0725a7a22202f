/* SPDX-License-Identifier: Apache-2.0
 *
 * The pipes or the terminal between a process and those who speak to it.
 */
#ifndef E2B_AGENT_STREAMS_H
#define E2B_AGENT_STREAMS_H

#include "backend/agent/protocol.h"

#include <stdbool.h>
#include <stddef.h>

/* Either end. With a terminal `out` is all there is: the master, or the other side of it. */
struct streams {
    int out, err, in; /* -1: none */
};

/* Once, in PID 1: keeps the terminals' file system, whatever is done to /dev later. */
bool streams_start(void);
/* False with errno. `far` without `in` means /dev/null. */
bool streams_make(struct streams *near, struct streams *far, const struct agent_request *request);
void streams_close(struct streams *s);
/* In the order of the protocol; returns how many. */
size_t streams_list(const struct streams *s, int fds[3]);

#endif
