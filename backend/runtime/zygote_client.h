/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the zygote, on the loop. Every request gets exactly one answer, later; when the zygote is
 * gone the answer is ERR_UNAVAILABLE's errno, ECONNRESET.
 */
#ifndef E2B_RUNTIME_ZYGOTE_CLIENT_H
#define E2B_RUNTIME_ZYGOTE_CLIENT_H

#include "backend/agent/protocol.h"
#include "common/error.h"

#include <uv.h>

struct zygote_call;

struct zygote_client {
    int socket; /* borrowed */
    bool lost;
    uint32_t last_id;
    struct zygote_call *calls;
    uv_poll_t *poll;
};

/* `pidfd` is -1 or the callee's. */
typedef void (*zygote_done)(void *ctx, int error, pid_t pid, int pidfd);

bool zygote_client_start(struct zygote_client *z, uv_loop_t *loop, int socket, struct error *err);
/* Answers what is open with ECONNRESET. */
void zygote_client_stop(struct zygote_client *z);

/* Fills version and id of the request. The descriptors stay the caller's. False: not sent, and
 * `done` will not be called. */
bool zygote_client_send(struct zygote_client *z, union zygote_request *request, const int *fds,
                        size_t fd_count, zygote_done done, void *ctx, struct error *err);

/* Runs a helper in the holder namespace; returns our end of its socket, or -1. */
int zygote_client_helper(struct zygote_client *z, enum helper_op op, const char *const *args,
                         const int *objects, size_t object_count, struct error *err);

#endif
