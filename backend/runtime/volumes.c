/* SPDX-License-Identifier: Apache-2.0
 *
 * Volumes as directories: state/volumes/ID (0700, ours) with rw/, which belongs to the sandboxes'
 * root. In the trash they look like a sandbox that ended, and go the same way.
 */
#include "backend/runtime/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define DIRECTORY "volumes"
#define FILES     "rw"

static int open_dir(int at, const char *name) {
    return openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Everybody inside may write there, whatever ids a template's users have. */
static bool make_files(const struct runtime *rt, int dir) {
    const uid_t owner = rt->holder.is_root ? rt->holder.id_base : geteuid();
    return mkdirat(dir, FILES, 0700) == 0 && fchmodat(dir, FILES, 0777, 0) == 0 &&
           (!rt->holder.is_root || fchownat(dir, FILES, owner, owner, AT_SYMLINK_NOFOLLOW) == 0);
}

bool runtime_volume_create(struct runtime *rt, const char *id, struct error *err) {
    if (mkdirat(rt->dirs.state, DIRECTORY, 0700) < 0 && errno != EEXIST)
        return error_errno(err, errno, "cannot make the directory of volumes");
    cleanup_close int all = open_dir(rt->dirs.state, DIRECTORY);
    if (all < 0 || mkdirat(all, id, 0700) < 0)
        return error_errno(err, errno, "cannot make the volume");
    cleanup_close int dir = open_dir(all, id);
    if (dir >= 0 && make_files(rt, dir))
        return true;
    error_errno(err, errno, "cannot make the volume");
    runtime_volume_discard(rt, id);
    return false;
}

void runtime_volume_discard(struct runtime *rt, const char *id) {
    cleanup_close int all = open_dir(rt->dirs.state, DIRECTORY);
    if (all >= 0)
        sandbox_dirs_trash(&rt->dirs, all, id);
}

int runtime_open_volume(struct runtime *rt, const char *id, bool hand_over, struct error *err) {
    cleanup_close int all = open_dir(rt->dirs.state, DIRECTORY);
    cleanup_close int dir = all < 0 ? -1 : open_dir(all, id);
    int files = dir < 0 ? -1 : open_dir(dir, FILES);
    if (files < 0)
        error_errno(err, errno, "cannot open the volume %s", id);
    return files >= 0 && hand_over ? runtime_hand_over(rt, files, false, err) : files;
}

int runtime_volume_helper(struct runtime *rt, const char *id, enum helper_op op,
                          const char *const *args, struct error *err) {
    if (!runtime_need_zygote(rt, err))
        return -1;
    cleanup_close int files = runtime_open_volume(rt, id, false, err);
    return files < 0 ? -1 : zygote_client_helper(&rt->zygote, op, args, &files, 1, err);
}

void runtime_volume_sweep(struct runtime *rt, bool (*is_known)(void *ctx, const char *id),
                          void *ctx) {
    int fd = openat(rt->dirs.state, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *e; stream && (e = readdir(stream));)
        if (e->d_name[0] != '.' && !is_known(ctx, e->d_name))
            runtime_volume_discard(rt, e->d_name);
    if (stream)
        closedir(stream);
}
