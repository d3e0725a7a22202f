/* SPDX-License-Identifier: Apache-2.0
 *
 * The directories of a sandbox: state/sandboxes/ID (0700, ours) with agent.sock and rw/, which
 * belongs to the sandbox's root; and those of layers, state/layers/NAME, with a rw/ of the same
 * kind that is not written any more. What ended goes to state/trash, and from there away, one after
 * the other and not in a hurry: file systems that discard at once make the next writers wait.
 */
#ifndef E2B_RUNTIME_SANDBOX_DIRS_H
#define E2B_RUNTIME_SANDBOX_DIRS_H

#include "common/error.h"

#include <uv.h>

struct zygote_client;

struct sandbox_dirs {
    int state, sandboxes, layers, trash; /* O_PATH */
    struct zygote_client *zygote;
    uv_poll_t *emptying; /* the helper at work; NULL: none */
    int emptying_socket;
    char emptying_name[64];
    uv_timer_t *pause;
    bool made_one;        /* a directory, since the last pause was over */
    unsigned put_off;     /* how often it was, since the trash was empty */
    uv_timer_t *patience; /* while somebody waits for the trash to be empty */
    void (*emptied)(void *ctx, bool all);
    void *emptied_ctx;
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
/* For another start of one that has ended. */
bool sandbox_dirs_reopen(struct sandbox_dirs *dirs, const char *id, struct sandbox_dir *dir,
                         struct error *err);
/* Connects to the agent of a sandbox; -1: it is not there. */
int sandbox_dirs_connect(struct sandbox_dirs *dirs, const char *id, struct error *err);
int sandbox_dirs_open_rw(struct sandbox_dirs *dirs, const char *id);
/* Out of sight at once; emptied and removed later. */
void sandbox_dirs_discard(struct sandbox_dirs *dirs, const char *id);
/* Goes on with the trash in a hurry, for `ms` at most; `emptied` may come from within the call. */
void sandbox_dirs_finish(struct sandbox_dirs *dirs, uint64_t ms,
                         void (*emptied)(void *ctx, bool all), void *ctx);
void sandbox_dirs_each(struct sandbox_dirs *dirs, void (*each)(void *ctx, const char *id),
                       void *ctx);

/* Goes on with what is in the trash. */
void sandbox_dirs_empty(struct sandbox_dirs *dirs);

/* layer_dirs.c: the same of layers. */
int layer_dirs_create(struct sandbox_dirs *dirs, const char *name, uint32_t owner,
                      struct error *err);
/* What the sandbox wrote becomes the layer: its rw/ is moved. */
bool layer_dirs_take(struct sandbox_dirs *dirs, const char *id, const char *name,
                     struct error *err);
int layer_dirs_open(struct sandbox_dirs *dirs, const char *name);
void layer_dirs_discard(struct sandbox_dirs *dirs, const char *name);
void layer_dirs_each(struct sandbox_dirs *dirs, void (*each)(void *ctx, const char *name),
                     void *ctx);

/* What both are made of. `at` is `sandboxes` or `layers`. */
int sandbox_dirs_make_rw(int dir, uint32_t owner); /* O_PATH */
void sandbox_dirs_trash(struct sandbox_dirs *dirs, int at, const char *name);
void sandbox_dirs_each_in(int at, void (*each)(void *ctx, const char *name), void *ctx);

#endif
