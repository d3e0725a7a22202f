/* SPDX-License-Identifier: Apache-2.0
 *
 * The directories of layers: what a sandbox had written when it was copied. See sandbox_dirs.h.
 */
#include "backend/runtime/sandbox_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static int open_dir(int at, const char *name) {
    return openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int layer_dirs_create(struct sandbox_dirs *dirs, const char *name, uint32_t owner,
                      struct error *err) {
    bool made = mkdirat(dirs->layers, name, 0700) == 0;
    cleanup_close int dir = made ? open_dir(dirs->layers, name) : -1;
    int rw = dir < 0 ? -1 : sandbox_dirs_make_rw(dir, owner);
    if (rw >= 0)
        return rw;
    error_errno(err, errno, "cannot make the layer %s", name);
    if (made)
        layer_dirs_discard(dirs, name);
    return -1;
}

int layer_dirs_open(struct sandbox_dirs *dirs, const char *name) {
    cleanup_close int dir = open_dir(dirs->layers, name);
    return dir < 0 ? -1 : open_dir(dir, "rw");
}

void layer_dirs_discard(struct sandbox_dirs *dirs, const char *name) {
    sandbox_dirs_trash(dirs, dirs->layers, name);
}

void layer_dirs_each(struct sandbox_dirs *dirs, void (*each)(void *ctx, const char *name),
                     void *ctx) {
    sandbox_dirs_each_in(dirs->layers, each, ctx);
}
