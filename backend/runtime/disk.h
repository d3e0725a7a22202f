/* SPDX-License-Identifier: Apache-2.0
 *
 * Watches the free space under the sandboxes' directories. Overlays have no quota, so a writer is
 * stopped afterwards: whoever holds more than his limit, and the one who writes most when the
 * reserve is reached, are frozen. The second is thawed when space is back.
 *
 * Costs one statvfs a second while sandboxes live (ten when it gets tight). Directories are
 * measured one after the other: all of them when a good deal of space went since the last time,
 * else new ones and the one that was not for longest, with rests of fifty times what that took.
 */
#ifndef E2B_RUNTIME_DISK_H
#define E2B_RUNTIME_DISK_H

#include "common/error.h"

#include <uv.h>

enum disk_verdict {
    DISK_FINE,       /* thaw: space is back */
    DISK_OVER_LIMIT, /* freeze: it holds more than it may */
    DISK_RESERVE,    /* freeze: it wrote most while the host's reserve was reached */
};

struct disk_space {
    uint64_t free, total;
};

struct disk_config {
    uv_loop_t *loop;
    const char *path; /* any file on the file system */
    /* Both at most a twentieth of the file system, so that a small one can be used as well. */
    uint64_t reserve_bytes;
    uint64_t scan_step_bytes; /* measure when this much went since the last time */
    unsigned period_ms;
    bool (*space)(const char *path, struct disk_space *space); /* disk_look */
    /* Starts measuring; the answer comes by disk_measured, not from within the call, unless the
     * guest is removed before. */
    void (*measure)(void *ctx, void *guest);
    /* Carries out a verdict and says so; `used` is what was measured. Adds and removes nobody. */
    void (*judge)(void *ctx, void *guest, enum disk_verdict verdict, uint64_t used);
    void *ctx;
};

extern const struct disk_config disk_defaults; /* all but loop, path and the callbacks */

bool disk_look(const char *path, struct disk_space *space);

struct disk;
struct disk *disk_start(const struct disk_config *config, struct error *err);
/* The memory goes when the loop has closed the timer. */
void disk_stop(struct disk *disk);

bool disk_add(struct disk *disk, void *guest, uint64_t limit_bytes, struct error *err);
void disk_remove(struct disk *disk, void *guest);
/* -1: it could not be measured, what is known of it stays. */
void disk_measured(struct disk *disk, void *guest, int64_t used_bytes);
/* Of the file system, as it was last looked at; 0: it was not. */
uint64_t disk_size(const struct disk *disk);
/* What the last measure said; -1: none yet. */
int64_t disk_used(const struct disk *disk, const void *guest);

#endif
