/* SPDX-License-Identifier: Apache-2.0
 *
 * The root file system of a sandbox: overlays, mounted by the sandbox's own user namespace, and the
 * change of root. overlayfs accepts layers only from mounts of the caller's mount namespace, so
 * what came as descriptors is first brought into it: detached mounts are moved below where the root
 * will be, plain ones opened again by their path.
 */
#include "backend/agent/setup.h"
#include "backend/agent/sys.h"
#include "common/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGE_ROOT SETUP_STAGE "/root"

static int fail(struct setup *s, const char *what) {
    s->what = what;
    return errno;
}

int setup_reopen(int *fd) {
    char link[32], path[4096];
    struct stat before, after;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", *fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (len < 0)
        return errno;
    path[len] = '\0';
    int fresh = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fresh < 0)
        return errno;
    if (fstat(*fd, &before) < 0 || fstat(fresh, &after) < 0 || before.st_dev != after.st_dev ||
        before.st_ino != after.st_ino)
        return ESTALE;
    close(*fd);
    *fd = fresh;
    return 0;
}

/* One on top of the other: they are used by their descriptors. */
static int stage(int fd) {
    return sys_move_mount(fd, STAGE_ROOT) < 0 ? errno : 0;
}

/* One file system in memory for the stage and for all that the sandbox has there, below names of
 * their own: the kernel keeps something for each one in every control group. */
static bool mount_stage(const struct setup *s) {
    char options[64];
    snprintf(options, sizeof(options), "mode=0700,size=%llu",
             (unsigned long long)s->plan->tmpfs_bytes);
    return mount("tmpfs", SETUP_STAGE, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0 &&
           mkdir(STAGE_ROOT, 0755) == 0;
}

int setup_layers(struct setup *s) {
    const bool detached = s->plan->flags & ZYGOTE_DETACHED;
    int error = detached ? 0 : setup_reopen(&s->rw);
    for (size_t i = 0; i < s->lower_count && !detached && !error; i++)
        error = setup_reopen(&s->lowers[i]);
    if (error)
        return error;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail(s, "private mounts");
    s->old_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (s->old_root < 0 || !mount_stage(s))
        return fail(s, "staging directory");
    if (detached)
        error = stage(s->rw);
    for (size_t i = 0; i < s->lower_count && detached && !error; i++)
        error = stage(s->lowers[i]);
    return error;
}

/* Kernels before 6.13 take layers by name only; the names of descriptors will do. */
static int configure_by_name(int fs, const int *lowers, size_t count, int upper, int work) {
    char names[ZYGOTE_MAX_LAYERS * 24], name[32];
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s/proc/self/fd/%d",
                                 i ? ":" : "", lowers[i]);
    if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", names, 0) < 0)
        return errno;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", upper);
    if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "upperdir", name, 0) < 0)
        return errno;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", work);
    return sys_fsconfig(fs, FSCONFIG_SET_STRING, "workdir", name, 0) < 0 ? errno : 0;
}

static int configure(int fs, const int *lowers, size_t count, int upper, int work) {
    for (size_t i = 0; i < count; i++) {
        if (sys_fsconfig(fs, FSCONFIG_SET_FD, "lowerdir+", NULL, lowers[i]) == 0)
            continue;
        return i == 0 && errno == EINVAL ? configure_by_name(fs, lowers, count, upper, work)
                                         : errno;
    }
    return sys_fsconfig(fs, FSCONFIG_SET_FD, "upperdir", NULL, upper) < 0 ||
                   sys_fsconfig(fs, FSCONFIG_SET_FD, "workdir", NULL, work) < 0
               ? errno
               : 0;
}

static int make_dir(int at, const char *name, int *fd) {
    if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
        return errno;
    *fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *fd < 0 ? errno : 0;
}

/* userxattr: the kernel keeps trusted.* from a user namespace. volatile: no sync of a file system
 * whose content dies with the sandbox, or is synced before it is kept. */
static int mount_overlay(int rw, const char *prefix, const int *lowers, size_t count,
                         const char *target) {
    char name[32];
    int upper = -1, work = -1, mounted = -1, error;
    int fs = sys_fsopen("overlay");
    if (fs < 0)
        return errno;
    snprintf(name, sizeof(name), "%supper", prefix);
    error = make_dir(rw, name, &upper);
    snprintf(name, sizeof(name), "%swork", prefix);
    if (!error && !tree_remove(rw, name)) /* of an earlier start, which marked it as volatile */
        error = errno;
    if (!error)
        error = make_dir(rw, name, &work);
    if (!error)
        error = configure(fs, lowers, count, upper, work);
    if (!error && (sys_fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0 ||
                   sys_fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0 ||
                   sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ||
                   (mounted = sys_fsmount(fs, 0)) < 0 || sys_move_mount(mounted, target) < 0))
        error = errno;
    const int opened[] = {fs, upper, work, mounted};
    for (size_t i = 0; i < sizeof(opened) / sizeof(opened[0]); i++)
        if (opened[i] >= 0)
            close(opened[i]);
    return error;
}

int setup_overlays(struct setup *s) {
    static const char *const prefixes[ZYGOTE_MAX_OVERLAYS] = {"", "usr-"};
    const int *lowers = s->lowers;
    for (size_t i = 0; i < s->plan->overlay_count; i++) {
        const struct zygote_overlay *o = &s->plan->overlays[i];
        char target[sizeof(STAGE_ROOT) + AGENT_TARGET];
        s->what = o->target;
        snprintf(target, sizeof(target), STAGE_ROOT "%s", i ? o->target : "");
        int error = mount_overlay(s->rw, prefixes[i], lowers, o->lower_count, target);
        if (error)
            return error;
        lowers += o->lower_count;
    }
    return 0;
}

/* From here on paths, and symlinks in them, resolve inside the new root only; the host's mounts
 * stay attached (on top of it) as long as mounting /proc and /sys needs them. */
int setup_enter_root(struct setup *s) {
    (void)s;
    return chdir(STAGE_ROOT) < 0 || sys_pivot_root(".", ".") < 0 || chdir("/") < 0 ? errno : 0;
}

int setup_leave_old_root(struct setup *s) {
    int error =
        fchdir(s->old_root) < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ? errno : 0;
    close(s->old_root);
    return error;
}
