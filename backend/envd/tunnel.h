/* SPDX-License-Identifier: Apache-2.0
 *
 * Two sockets joined: bytes go both ways until both sides have ended or one breaks. For what
 * follows an HTTP upgrade.
 */
#ifndef E2B_ENVD_TUNNEL_H
#define E2B_ENVD_TUNNEL_H

#include "common/buf.h"

#include <uv.h>

/* What is known already and has to reach one end first; the bytes are taken over. */
struct tunnel_end {
    int fd; /* taken over, also on failure */
    struct buf first;
};

bool tunnel_start(uv_loop_t *loop, struct tunnel_end *one, struct tunnel_end *other);

#endif
