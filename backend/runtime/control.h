/* SPDX-License-Identifier: Apache-2.0
 *
 * The connection to one agent: requests are queued and sent as it takes them, replies checked and
 * matched. Knows the protocol and nothing of sandboxes.
 */
#ifndef E2B_RUNTIME_CONTROL_H
#define E2B_RUNTIME_CONTROL_H

#include "backend/agent/protocol.h"
#include "common/error.h"

#include <uv.h>

enum { CONTROL_MAX_FDS = 4 };

struct control;

/* A reply with its descriptors; what the callee does not take (steal_fd) is closed after. */
struct control_reply {
    struct agent_reply head;
    int fds[CONTROL_MAX_FDS];
    size_t fd_count;
};

/* `reply` NULL: the connection is gone. Called once, but for AGENT_ADOPT, where it is called for
 * every AGENT_PROCESS too. */
typedef void (*control_done)(void *ctx, struct control_reply *reply);

struct control_events {
    void (*hello)(void *ctx);
    void (*failed)(void *ctx, const struct agent_reply *reply);
    void (*exited)(void *ctx, const struct agent_reply *reply);
    /* Nothing follows it; `reason` is why. */
    void (*lost)(void *ctx, const char *reason);
};

/* Takes the socket, even when it fails. */
struct control *control_start(uv_loop_t *loop, int socket, const struct control_events *events,
                              void *ctx, struct error *err);
/* Nothing is called after it: open requests get no answer. */
void control_stop(struct control *c);

/* Fills version and id; takes the descriptors. Never fails here: trouble is told to `done` or
 * `lost`, later. `done` NULL: the answer does not matter, or there is none. */
void control_send(struct control *c, const struct agent_request *request, int *fds, size_t fd_count,
                  control_done done, void *ctx);

#endif
