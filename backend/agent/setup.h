/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files that turn a fresh clone into a sandbox. Every step returns 0 or an errno and
 * says in `what` what it was about, for the one message that a failure gets.
 */
#ifndef E2B_AGENT_SETUP_H
#define E2B_AGENT_SETUP_H

#include "backend/agent/protocol.h"

#include <stdbool.h>
#include <stddef.h>

/* A directory of every host; ours, in the new mount namespace. Without a slash also its name below
 * the old root. */
#define SETUP_STAGE_NAME "tmp"
#define SETUP_STAGE      "/" SETUP_STAGE_NAME

struct setup {
    const struct zygote_create *plan;
    int seccomp;
    int rw;
    int lowers[ZYGOTE_MAX_LAYERS];
    size_t lower_count;
    int volumes[ZYGOTE_MAX_MOUNTS];
    int cgroups[ZYGOTE_MAX_CGROUPS];
    int old_root; /* until setup_leave_old_root */
    const char *what;
};

/* root.c: the overlays, and the change of root. The old root stays reachable by old_root. */
int setup_layers(struct setup *s);
int setup_overlays(struct setup *s);
int setup_enter_root(struct setup *s);
int setup_leave_old_root(struct setup *s);
/* Opens the same directory once more by its path: now it is one of this mount namespace. */
int setup_reopen(int *fd);

/* mounts.c: what lies on top of them. */
int setup_kernel_mounts(struct setup *s); /* /proc, /sys */
int setup_devices(struct setup *s);
int setup_run_and_tmp(struct setup *s);
int setup_masks(struct setup *s);

/* volumes.c: what lasts longer than the sandbox. First taken along into its mount namespace, later
 * mounted in its root. */
int setup_take_volumes(struct setup *s);
int setup_volumes(struct setup *s);

/* confine.c: what is given up. */
int setup_limits(struct setup *s);
int setup_capabilities(struct setup *s);
int setup_seccomp(struct setup *s);

#endif
