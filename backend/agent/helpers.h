/* SPDX-License-Identifier: Apache-2.0
 *
 * Helpers: short-lived children of the zygote or of an agent that do what may block, and answer on
 * a socket of their own. Closing the other end of it ends them: a send fails, or SIGPIPE does it.
 */
#ifndef E2B_AGENT_HELPERS_H
#define E2B_AGENT_HELPERS_H

#include "backend/agent/arguments.h"
#include "backend/agent/protocol.h"

#include <stddef.h>
#include <stdnoreturn.h>

enum { HELPER_MAX_OBJECTS = 4 };

enum helper_place { HELPER_IN_ZYGOTE = 1, HELPER_IN_AGENT = 2 };

struct helper {
    uint32_t op;
    int socket;
    int arguments; /* memfd */
    int objects[HELPER_MAX_OBJECTS];
    size_t object_count;
    struct arguments args; /* filled from the memfd: user, argv[1..] are the arguments */
};

/* In the forked child: does what is asked, answers, exits. */
noreturn void helper_run(struct helper *h, enum helper_place place);

/* One answer; `fd` -1 for none. False when nobody listens any more. */
bool helper_reply(const struct helper *h, uint32_t flags, int error, int64_t value, int fd);

#endif
