/* SPDX-License-Identifier: Apache-2.0
 *
 * The holder namespace: a user namespace with the ids that sandboxes may have, in which the zygote
 * lives. Everything of the sandboxes belongs to it, and nothing of the host does.
 */
#ifndef E2B_RUNTIME_HOLDER_H
#define E2B_RUNTIME_HOLDER_H

#include "common/error.h"

#include <sys/types.h>

struct holder {
    pid_t pid;
    int pidfd;
    int socket;       /* to the zygote; SOCK_SEQPACKET, non-blocking */
    int userns;       /* the namespace, for idmapped mounts */
    uint32_t id_base; /* what id 0 inside is outside */
    uint32_t id_count;
    bool is_root;
};

#define HOLDER_INIT                                                                                \
    { .pid = -1, .pidfd = -1, .socket = -1, .userns = -1 }

/* Starts `program` (e2b-agent) as the zygote, in the v2 group `cgroup` if that is not -1, and waits
 * until it answers: milliseconds, never more than some seconds. */
bool holder_start(struct holder *holder, const char *program, int cgroup, struct error *err);
/* Ends the zygote; sandboxes live on. */
void holder_stop(struct holder *holder);

#endif
