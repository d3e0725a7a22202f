/* SPDX-License-Identifier: Apache-2.0
 *
 * Moving, and putting files together. A move by rename(2) where that is possible; between two file
 * systems of the sandbox (its root and /tmp) by a copy that is removed at its source once complete.
 */
#include "backend/agent/files_job.h"
#include "common/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_COPY_DEPTH = 256 };

static int copy_any(int from, int to, const char *name, const char *as, int depth);

static int copy_link(int from, int to, const char *name, const char *as) {
    char target[PATH_MAX];
    ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);
    if (n < 0)
        return errno;
    target[n] = '\0';
    return symlinkat(target, to, as) == 0 ? 0 : errno;
}

/* Owner, mode and times, after the content. */
static int copy_attributes(int fd, const struct stat *st) {
    if (fchown(fd, st->st_uid, st->st_gid) < 0 && errno != EINVAL)
        return errno;
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (fchmod(fd, st->st_mode & 07777) < 0 || futimens(fd, times) < 0)
        return errno;
    return 0;
}

static int copy_file(int from, int to, const char *as, const struct stat *st) {
    int out = openat(to, as, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out < 0)
        return errno;
    int error = files_copy(from, out) ? files_copy_metadata(from, out) : errno;
    if (!error)
        error = copy_attributes(out, st);
    close(out);
    return error;
}

static int copy_dir(int from, int to, const char *as, const struct stat *st, int depth) {
    if (depth >= MAX_COPY_DEPTH)
        return ELOOP;
    if (mkdirat(to, as, 0700) < 0)
        return errno;
    int out = openat(to, as, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int in = dup(from);
    DIR *dir = in < 0 ? NULL : fdopendir(in);
    int error = out < 0 || !dir ? errno : 0;
    for (struct dirent *e; !error && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            error = copy_any(from, out, e->d_name, e->d_name, depth + 1);
    if (!error)
        error = copy_attributes(out, st);
    if (dir)
        closedir(dir);
    else if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return error;
}

static int copy_any(int from, int to, const char *name, const char *as, int depth) {
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno;
    if (S_ISLNK(st.st_mode))
        return copy_link(from, to, name, as);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return EXDEV;
    int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (in < 0)
        return errno;
    int error = S_ISDIR(st.st_mode) ? copy_dir(in, to, as, &st, depth) : copy_file(in, to, as, &st);
    close(in);
    return error;
}

/* What rename(2) would replace gives way first. */
static int make_way(const char *source, const char *destination) {
    struct stat from, to;
    if (lstat(source, &from) < 0)
        return errno;
    if (lstat(destination, &to) < 0)
        return errno == ENOENT ? 0 : errno;
    if (S_ISDIR(to.st_mode) != S_ISDIR(from.st_mode))
        return S_ISDIR(to.st_mode) ? EISDIR : ENOTDIR;
    return (S_ISDIR(to.st_mode) ? rmdir(destination) : unlink(destination)) == 0 ? 0 : errno;
}

static int move_by_copy(const char *source, const char *destination) {
    int error = make_way(source, destination);
    if (error)
        return error;
    error = copy_any(AT_FDCWD, AT_FDCWD, source, destination, 0);
    if (error) {
        tree_remove(AT_FDCWD, destination);
        return error;
    }
    return tree_remove(AT_FDCWD, source) ? 0 : errno;
}

void files_move(struct files_job *job) {
    char source[FILES_PATH], destination[FILES_PATH];
    struct stat st;
    if (!files_argument(job, 0, source) || !files_argument(job, 1, destination))
        return;
    if (lstat(source, &st) < 0) {
        files_fail_errno(job, errno, source);
        return;
    }
    if (!files_make_parents(job, destination))
        return;
    int error = rename(source, destination) == 0 ? 0 : errno;
    if (error == EXDEV)
        error = move_by_copy(source, destination);
    if (error == ENOENT)
        files_fail(job, FILES_MISSING, error, source);
    else if (error)
        files_fail(job, FILES_SYSTEM, error, destination);
    else
        files_done_path(job, destination);
}

/* -1: the job has failed. */
static int open_source(struct files_job *job, size_t index, char path[static FILES_PATH]) {
    struct stat st;
    if (!files_argument(job, index, path))
        return -1;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    if (fd < 0 && errno != ENXIO)
        files_fail_errno(job, errno, path);
    else
        files_fail(job, FILES_NOT_REGULAR, EINVAL, path);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* All must be readable files other than the destination before anything is touched. */
static bool check_sources(struct files_job *job, const char *destination) {
    char path[FILES_PATH];
    struct stat to, from;
    bool exists = stat(destination, &to) == 0;
    for (size_t i = 1; i < job->arg_count; i++) {
        int fd = open_source(job, i, path);
        if (fd < 0)
            return false;
        bool same =
            exists && fstat(fd, &from) == 0 && from.st_dev == to.st_dev && from.st_ino == to.st_ino;
        close(fd);
        if (same) {
            files_fail(job, FILES_SAME_PATH, EINVAL, path);
            return false;
        }
    }
    return true;
}

static bool append_sources(struct files_job *job, int out) {
    char path[FILES_PATH];
    for (size_t i = 1; i < job->arg_count; i++) {
        int fd = open_source(job, i, path);
        if (fd < 0)
            return false;
        bool ok = files_copy(fd, out);
        int error = errno;
        close(fd);
        if (!ok) {
            files_fail(job, FILES_SYSTEM, error, path);
            return false;
        }
    }
    return true;
}

void files_compose(struct files_job *job) {
    char destination[FILES_PATH], path[FILES_PATH];
    bool made;
    if (!files_argument(job, 0, destination) || !check_sources(job, destination))
        return;
    int out = files_open_output(job, destination, &made);
    if (out < 0)
        return;
    bool ok = ftruncate(out, 0) == 0 && append_sources(job, out);
    close(out);
    if (!ok) {
        if (made)
            unlink(destination);
        return;
    }
    for (size_t i = 1; i < job->arg_count; i++)
        if (files_resolve(&job->user, job->args[i], path) == FILES_OK)
            unlink(path);
    files_done_path(job, destination);
}
