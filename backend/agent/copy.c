/* SPDX-License-Identifier: Apache-2.0
 *
 * See copy.h. Files with more than one name are found again by a link that is kept under their
 * number, so memory does not grow with them.
 */
#include "backend/agent/copy.h"
#include "common/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

enum { MAX_LEVELS = 256, MAX_NAMES = 64 << 10, MAX_VALUE = 64 << 10, MAX_LINK = 4096 };

static bool copy_dir(int from, int to, int links, int level);

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

static bool copy_attributes(int from, int to) {
    static char names[MAX_NAMES], value[MAX_VALUE];
    ssize_t len = flistxattr(from, names, sizeof(names));
    if (len < 0)
        return errno == EOPNOTSUPP;
    for (const char *name = names; name < names + len; name += strlen(name) + 1) {
        if (stays_behind(name))
            continue;
        ssize_t size = fgetxattr(from, name, value, sizeof(value));
        if (size < 0 || (fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != EOPNOTSUPP))
            return false;
    }
    return true;
}

/* Owner first, because a change of it takes setuid bits and capabilities away. */
static bool dress(int from, int to, const struct stat *st) {
    const struct timespec times[] = {st->st_atim, st->st_mtim};
    return fchown(to, st->st_uid, st->st_gid) == 0 && fchmod(to, st->st_mode & 07777) == 0 &&
           copy_attributes(from, to) && futimens(to, times) == 0;
}

static bool dress_name(int to, const char *name, const struct stat *st) {
    const struct timespec times[] = {st->st_atim, st->st_mtim};
    return fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) == 0 &&
           (S_ISLNK(st->st_mode) || fchmodat(to, name, st->st_mode & 07777, 0) == 0) &&
           utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- content ---- */

static bool copy_piece(int from, int to, off_t at, off_t end) {
    off_t out = at;
    while (at < end) {
        ssize_t n = copy_file_range(from, &at, to, &out, (size_t)(end - at), 0);
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

static bool copy_file(int from, int to, const char *name, const struct stat *st) {
    cleanup_close int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    cleanup_close int out =
        in < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return out >= 0 && copy_content(in, out, st->st_size) && dress(in, out, st);
}

static bool copy_symlink(int from, int to, const char *name, const struct stat *st) {
    char target[MAX_LINK + 1];
    ssize_t len = readlinkat(from, name, target, MAX_LINK);
    if (len < 0)
        return false;
    target[len] = '\0';
    return symlinkat(target, to, name) == 0 && dress_name(to, name, st);
}

/* Whiteouts among them, which are the device 0/0. */
static bool copy_special(int to, const char *name, const struct stat *st) {
    if (!S_ISFIFO(st->st_mode) && !S_ISSOCK(st->st_mode) && st->st_rdev != makedev(0, 0))
        return true; /* no device works in a sandbox */
    return mknodat(to, name, st->st_mode & (S_IFMT | 07777), st->st_rdev) == 0 &&
           dress_name(to, name, st);
}

static bool copy_subdir(int from, int to, int links, const char *name, int level) {
    struct stat st;
    cleanup_close int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (in < 0 || fstat(in, &st) < 0 || mkdirat(to, name, 0700) < 0)
        return false;
    cleanup_close int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return out >= 0 && copy_dir(in, out, links, level + 1) && dress(in, out, &st);
}

/* ---- the walk ---- */

static bool copy_named(int from, int to, const char *name, const struct stat *st) {
    if (S_ISREG(st->st_mode))
        return copy_file(from, to, name, st);
    if (S_ISLNK(st->st_mode))
        return copy_symlink(from, to, name, st);
    return copy_special(to, name, st);
}

static bool copy_entry(int from, int to, int links, const char *name, int level) {
    struct stat st;
    char number[32];
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    if (S_ISDIR(st.st_mode))
        return copy_subdir(from, to, links, name, level);
    if (st.st_nlink < 2)
        return copy_named(from, to, name, &st);
    snprintf(number, sizeof(number), "%" PRIu64, (uint64_t)st.st_ino);
    if (linkat(links, number, to, name, 0) == 0)
        return true;
    return errno == ENOENT && copy_named(from, to, name, &st) &&
           (linkat(to, name, links, number, 0) == 0 || errno == ENOENT);
}

static bool copy_dir(int from, int to, int links, int level) {
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
            ok = copy_entry(from, to, links, e->d_name, level);
    int error = errno;
    closedir(stream);
    errno = error;
    return ok;
}

bool copy_tree(int from, int to, int links) {
    struct stat st;
    return fstat(from, &st) == 0 && copy_dir(from, to, links, 0) && dress(from, to, &st);
}
