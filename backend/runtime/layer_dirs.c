/* SPDX-License-Identifier: Apache-2.0
 *
 * The directories of layers: what a sandbox had written when it was copied. See sandbox_dirs.h.
 */
#include "backend/runtime/sandbox_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

static bool take(struct sandbox_dirs *dirs, const char *id, const char *name) {
    cleanup_close int from = open_dir(dirs->sandboxes, id);
    cleanup_close int to = open_dir(dirs->layers, name);
    if (from < 0 || to < 0 || renameat(from, "rw", to, "rw") < 0)
        return false;
    cleanup_close int rw = open_dir(to, "rw");
    return rw >= 0 && renameat(rw, "upper", rw, "root") == 0 &&
           (renameat(rw, "usr-upper", rw, "usr") == 0 || errno == ENOENT);
}

bool layer_dirs_take(struct sandbox_dirs *dirs, const char *id, const char *name,
                     struct error *err) {
    bool made = mkdirat(dirs->layers, name, 0700) == 0;
    if (made && take(dirs, id, name))
        return true;
    error_errno(err, errno, "cannot make the layer %s", name);
    if (made)
        layer_dirs_discard(dirs, name);
    return false;
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
