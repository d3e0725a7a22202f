/* SPDX-License-Identifier: Apache-2.0
 *
 * See copy.h. Files with more than one name are found again by a link that is kept under their
 * number, so memory does not grow with them.
 */
#include "backend/agent/copy.h"

#include "backend/agent/mode.h"
#include "common/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

enum {
    NOBODY = 65534,
    MAX_LEVELS = 256,
    MAX_NAMES = 64 << 10,
    MAX_VALUE = 64 << 10,
    MAX_LINK = 4096
};

struct copying {
    int links;
    const struct copy_merge *merge;
    struct statfs top; /* of the source; when merging */
};

static bool copy_dir(const struct copying *c, int from, int to, int level);

/* ---- attributes ---- */

/* What an upper says of the layers below it; of the copy it would not be true. */
static bool stays_behind(const char *name) {
    static const char *const names[] = {"user.overlay.origin", "user.overlay.impure",
                                        "user.overlay.nlink", "user.overlay.uuid"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Of somebody else's file, some mean nothing here: it goes without. */
static bool copy_attributes(int from, int to, bool must) {
    static char names[MAX_NAMES], value[MAX_VALUE];
    ssize_t len = flistxattr(from, names, sizeof(names));
    if (len < 0)
        return errno == EOPNOTSUPP;
    for (const char *name = names; name < names + len; name += strlen(name) + 1) {
        if (stays_behind(name))
            continue;
        ssize_t size = fgetxattr(from, name, value, sizeof(value));
        if ((size < 0 ||
             (fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != EOPNOTSUPP)) &&
            must)
            return false;
    }
    return true;
}

/* Unprivileged, the host's files show as if they were nobody's; only of those that really are may
 * root say so. */
static bool is_hosts(int fd, const struct stat *st) {
    return st->st_uid == NOBODY &&
           (fd < 0 || (fcntl(fd, F_SETFL, O_NONBLOCK | O_NOATIME) < 0 && errno == EPERM));
}

/* What the copy gets of it. */
static void look(int fd, struct stat *st, const struct copy_merge *merge) {
    if (!merge)
        return;
    if (merge->has_owner) {
        st->st_uid = merge->uid;
        st->st_gid = merge->gid;
    } else if (is_hosts(fd, st)) {
        st->st_uid = st->st_gid = 0;
    }
    if (*merge->mode && !S_ISLNK(st->st_mode))
        mode_apply(merge->mode, &st->st_mode);
}

/* EINVAL: the id does not exist here, where there is a single one. */
static bool is_owned(int result, const struct copy_merge *merge) {
    return result == 0 || (merge && errno == EINVAL);
}

/* Owner first, because a change of it takes setuid bits and capabilities away. */
static bool dress(int from, int to, const struct stat *st, const struct copy_merge *merge) {
    const struct timespec times[] = {st->st_atim, st->st_mtim};
    return is_owned(fchown(to, st->st_uid, st->st_gid), merge) &&
           fchmod(to, st->st_mode & 07777) == 0 && copy_attributes(from, to, !merge) &&
           futimens(to, times) == 0;
}

static bool dress_name(int to, const char *name, const struct stat *st,
                       const struct copy_merge *merge) {
    const struct timespec times[] = {st->st_atim, st->st_mtim};
    return is_owned(fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW), merge) &&
           (S_ISLNK(st->st_mode) || fchmodat(to, name, st->st_mode & 07777, 0) == 0) &&
           utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) == 0;
}

bool copy_dress(int from, int to, const struct copy_merge *merge) {
    struct stat st;
    if (fstat(from, &st) < 0)
        return false;
    look(from, &st, merge);
    return dress(from, to, &st, merge);
}

/* ---- content ---- */

/* What the kernel shows somewhere in a tree, or was put over it for the sandbox alone, is no part
 * of what is merged. */
static bool is_of_image(const struct copying *c, int fd) {
    struct statfs fs;
    return !c->merge || (fstatfs(fd, &fs) == 0 && fs.f_type == c->top.f_type);
}

static bool copy_piece(int from, int to, off_t at, off_t end) {
    off_t out = at;
    while (at < end) {
        ssize_t n = copy_file_range(from, &at, to, &out, (size_t)(end - at), 0);
        if (n < 0 && errno == EXDEV && lseek(to, out, SEEK_SET) >= 0) {
            n = sendfile(to, from, &at, (size_t)(end - at));
            out += n > 0 ? n : 0;
        }
        if (n < 0)
            return false;
        if (n == 0)
            return true;
    }
    return true;
}

static bool copy_content(int from, int to, off_t size) {
    if (ioctl(to, FICLONE, from) == 0)
        return true;
    for (off_t at = 0; at < size;) {
        off_t data = lseek(from, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break; /* nothing but a hole is left */
        off_t hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);
        if (hole < 0 || !copy_piece(from, to, data, hole))
            return false;
        at = hole;
    }
    return ftruncate(to, size) == 0;
}

static bool copy_opened(int in, int to, const char *name, struct stat *st,
                        const struct copy_merge *merge) {
    cleanup_close int out =
        openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    look(in, st, merge);
    return out >= 0 && copy_content(in, out, st->st_size) && dress(in, out, st, merge);
}

static bool copy_file(const struct copying *c, int from, int to, const char *name,
                      struct stat *st) {
    cleanup_close int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return in >= 0 && (!is_of_image(c, in) || copy_opened(in, to, name, st, c->merge));
}

static bool copy_symlink(const struct copying *c, int from, int to, const char *name,
                         const struct stat *st) {
    char target[MAX_LINK + 1];
    ssize_t len = readlinkat(from, name, target, MAX_LINK);
    if (len < 0)
        return false;
    target[len] = '\0';
    return symlinkat(target, to, name) == 0 && dress_name(to, name, st, c->merge);
}

/* Whiteouts among them, which are the device 0/0. */
static bool copy_special(const struct copying *c, int to, const char *name, const struct stat *st) {
    if (!S_ISFIFO(st->st_mode) && !S_ISSOCK(st->st_mode) && st->st_rdev != makedev(0, 0))
        return true; /* no device works in a sandbox */
    return mknodat(to, name, st->st_mode & (S_IFMT | 07777), st->st_rdev) == 0 &&
           dress_name(to, name, st, c->merge);
}

/* When merging, a link to a directory is one. */
static bool copy_subdir(const struct copying *c, int from, int to, const char *name, int level,
                        struct stat *st) {
    const int follow = c->merge ? 0 : O_NOFOLLOW;
    cleanup_close int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (in < 0 || fstat(in, st) < 0 ||
        (mkdirat(to, name, 0700) < 0 && !(c->merge && errno == EEXIST)))
        return false;
    look(in, st, c->merge);
    cleanup_close int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
    return out >= 0 && (!is_of_image(c, in) || copy_dir(c, in, out, level + 1)) &&
           dress(in, out, st, c->merge);
}

/* ---- the walk ---- */

static bool copy_named(const struct copying *c, int from, int to, const char *name,
                       struct stat *st) {
    if (S_ISREG(st->st_mode))
        return copy_file(c, from, to, name, st);
    look(-1, st, c->merge);
    if (S_ISLNK(st->st_mode))
        return copy_symlink(c, from, to, name, st);
    return copy_special(c, to, name, st);
}

static bool make_way(const struct copying *c, int to, const char *name) {
    return !c->merge || unlinkat(to, name, 0) == 0 || errno == ENOENT;
}

static bool copy_entry(const struct copying *c, int from, int to, const char *name, int level) {
    struct stat st;
    char number[64];
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    if (S_ISDIR(st.st_mode))
        return copy_subdir(c, from, to, name, level, &st);
    if (!make_way(c, to, name))
        return false;
    if (st.st_nlink < 2)
        return copy_named(c, from, to, name, &st);
    snprintf(number, sizeof(number), "%" PRIx64 "-%" PRIu64, (uint64_t)st.st_dev,
             (uint64_t)st.st_ino);
    if (linkat(c->links, number, to, name, 0) == 0)
        return true;
    return (errno == ENOENT || errno == EXDEV) && copy_named(c, from, to, name, &st) &&
           (linkat(to, name, c->links, number, 0) == 0 || errno == ENOENT || errno == EXDEV);
}

static bool copy_dir(const struct copying *c, int from, int to, int level) {
    if (level == MAX_LEVELS) {
        errno = ELOOP;
        return false;
    }
    int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = again < 0 ? NULL : fdopendir(again);
    if (!stream) {
        int error = errno;
        close_fd(&again);
        errno = error;
        return false;
    }
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(stream));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            ok = copy_entry(c, from, to, e->d_name, level);
    int error = errno;
    closedir(stream);
    errno = error;
    return ok;
}

bool copy_tree(int from, int to, int links, const struct copy_merge *merge) {
    struct copying c = {.links = links, .merge = merge};
    return (!merge || fstatfs(from, &c.top) == 0) && copy_dir(&c, from, to, 0) &&
           (merge || copy_dress(from, to, NULL));
}

bool copy_one(int from, int to, const char *name, const struct copy_merge *merge) {
    const struct copying c = {.links = -1, .merge = merge};
    struct stat st;
    if (fstat(from, &st) < 0 || !make_way(&c, to, name))
        return false;
    return copy_opened(from, to, name, &st, merge);
}
