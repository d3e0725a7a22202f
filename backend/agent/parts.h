/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of e2b-agent, and how one becomes the next: zygote -> sandbox set-up -> agent -> the
 * child that becomes a program, or a helper.
 */
#ifndef E2B_AGENT_PARTS_H
#define E2B_AGENT_PARTS_H

#include "backend/agent/protocol.h"
#include "backend/agent/streams.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#define AGENT_ZYGOTE_NAME "e2b-zygote"

int zygote_main(void);
int sudo_main(int argc, char **argv);

/* The new PID 1, in its fresh namespaces with its ids mapped: makes the root file system, gives up
 * what it may not keep and goes on as the agent. Takes the descriptors. */
noreturn void setup_run(const struct zygote_create *plan, const int *fds, size_t fd_count);
noreturn void agent_run(const struct zygote_create *plan);

/* What a program is started with. */
struct spawn {
    const struct agent_request *request;
    int arguments; /* memfd */
    int status;    /* pipe */
    struct streams far;
    uint64_t max_files;
    bool has_ids; /* more than one id is mapped: there are users to become */
};
/* In the forked child: becomes the program, or tells why not and exits. */
noreturn void spawn_exec(const struct spawn *spawn);

#endif
