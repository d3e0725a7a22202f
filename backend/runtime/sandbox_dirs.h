/* SPDX-License-Identifier: Apache-2.0
 *
 * The directories of a sandbox: state/sandboxes/ID (0700, ours) with agent.sock and rw/, which
 * belongs to the sandbox's root. What ended goes to state/trash, and from there away, one after the
 * other and not in a hurry: file systems that discard at once make the next writers wait.
 */
#ifndef E2B_RUNTIME_SANDBOX_DIRS_H
#define E2B_RUNTIME_SANDBOX_DIRS_H

#include "common/error.h"

#include <uv.h>

struct zygote_client;

struct sandbox_dirs {
    int state, sandboxes, trash; /* O_PATH */
    struct zygote_client *zygote;
    uv_poll_t *emptying; /* the helper at work; NULL: none */
    int emptying_socket;
    char emptying_name[64];
    uv_timer_t *pause;
};

bool sandbox_dirs_start(struct sandbox_dirs *dirs, uv_loop_t *loop, const char *state,
                        struct zygote_client *zygote, struct error *err);
void sandbox_dirs_stop(struct sandbox_dirs *dirs);

struct sandbox_dir {
    int rw;     /* O_PATH */
    int listen; /* bound, not yet listening: that is the agent's to do, which signs it with its pid
                 */
};
/* `owner`: whom rw/ is given to. On failure nothing is left. */
bool sandbox_dirs_create(struct sandbox_dirs *dirs, const char *id, uint32_t owner,
                         struct sandbox_dir *dir, struct error *err);
/* Connects to the agent of a sandbox; -1: it is not there. */
int sandbox_dirs_connect(struct sandbox_dirs *dirs, const char *id, struct error *err);
int sandbox_dirs_open_rw(struct sandbox_dirs *dirs, const char *id);
/* Out of sight at once; emptied and removed later. */
void sandbox_dirs_discard(struct sandbox_dirs *dirs, const char *id);
void sandbox_dirs_each(struct sandbox_dirs *dirs, void (*each)(void *ctx, const char *id),
                       void *ctx);

#endif
