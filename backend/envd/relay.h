/* SPDX-License-Identifier: Apache-2.0
 *
 * Carries one exchange over a socket to a program in a sandbox: head, body and answer as they come,
 * nothing held back, and after an upgrade the bytes of whatever protocol follows.
 */
#ifndef E2B_ENVD_RELAY_H
#define E2B_ENVD_RELAY_H

#include "backend/http/server.h"

struct relay_target {
    const char *sandbox_id; /* for what is said when it fails */
    unsigned port;
    const char *host; /* instead of the Host header; NULL: keep that */
};

/* Takes `fd`, a connected socket. */
void relay_start(uv_loop_t *loop, struct exchange *x, int fd, const struct relay_target *target);
/* 502 with the sandbox's id, the port (0: none) and the message, a constant text. */
void relay_reply_failure(struct exchange *x, const struct relay_target *target,
                         const char *message);

#endif
