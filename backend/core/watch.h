/* SPDX-License-Identifier: Apache-2.0
 *
 * Watching directories of a sandbox. All watches of one sandbox share one helper inside it, which
 * lives as long as there is a watch.
 */
#ifndef E2B_CORE_WATCH_H
#define E2B_CORE_WATCH_H

#include "backend/core/files_message.h"
#include "backend/core/sandbox.h"

enum { WATCH_MAX = 4096 }; /* a sandbox */

/* Embedded in whoever watches, who sets the callbacks. They come from the loop. */
struct watcher {
    /* Once: FILES_OK and the watched directory, or a failure, after which it is forgotten. */
    void (*started)(struct watcher *w, enum files_failure failure, int error, const char *path);
    /* info->path is the name below the directory. */
    void (*event)(struct watcher *w, const struct file_info *info);
    /* Nothing follows: it is forgotten. FILES_OVERFLOW: events were lost. FILES_SYSTEM with EPIPE:
     * the sandbox ended. */
    void (*lost)(struct watcher *w, enum files_failure failure, int error);

    /* watch.c's own */
    struct watch_set *set;
    uint32_t id;
    bool is_started;
    struct watcher *next;
};

struct watch_target {
    const char *user, *path;
    uint32_t flags; /* enum watch_flags */
};

bool watch_start(struct sandbox *sandbox, struct watcher *watcher,
                 const struct watch_target *target, struct error *err);
/* Also from within its callbacks; of a forgotten one nothing happens. */
void watch_stop(struct watcher *watcher);

#endif
