/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two halves of the Connect protocol share: connect.c takes requests in, connect_reply.c
 * sends answers out.
 */
#ifndef E2B_ENVD_CONNECT_STATE_H
#define E2B_ENVD_CONNECT_STATE_H

#include "backend/envd/connect.h"
#include "common/buf.h"

struct connect_state {
    struct connect_call call;
    struct exchange *x; /* NULL: the peer has left */
    enum connect_kind kind;
    connect_method method;
    struct core *core;
    char id[ID_SANDBOX];
    unsigned refs;

    /* the answer */
    bool begun, ended, stopped;
    uv_timer_t *keep_alive, *deadline;
    uint64_t interval_ms; /* Keepalive-Ping-Interval */
    const char *ping;

    /* a client stream's messages */
    struct buf input;
    bool input_over, busy, pumping;
};

void connect_stop_timers(struct connect_state *state);

#endif
