/* SPDX-License-Identifier: Apache-2.0
 *
 * The operations on a volume that those on a sandbox's files are no match for: owners by number,
 * modes, and nothing replaced or made on the way unless it is asked for.
 */
#include "backend/agent/files_job.h"
#include "common/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARG_PATH, ARG_UID, ARG_GID, ARG_MODE, ARG_FORCE };

static const uint32_t leave = UINT32_MAX;

static uint32_t number(const struct files_job *job, size_t index) {
    const char *text = job->args[index];
    return *text ? (uint32_t)strtoul(text, NULL, 10) : leave;
}

static bool is_forced(const struct files_job *job) {
    return job->args[ARG_FORCE][0] == '1';
}

/* Owner before mode, as a change of owner takes bits of the mode away. EINVAL: there is a single id
 * on this host. */
static int set_attributes(const struct files_job *job, const char *path) {
    const uint32_t uid = number(job, ARG_UID), gid = number(job, ARG_GID),
                   mode = number(job, ARG_MODE);
    if ((uid != leave || gid != leave) && chown(path, uid, gid) < 0 && errno != EINVAL)
        return errno;
    return mode != leave && chmod(path, mode & 07777) < 0 ? errno : 0;
}

static void finish(struct files_job *job, const char *path) {
    int error = set_attributes(job, path);
    if (error)
        files_fail_errno(job, error, path);
    else
        files_done_path(job, path);
}

void files_volume_change(struct files_job *job) {
    char path[FILES_PATH];
    if (files_argument(job, ARG_PATH, path))
        finish(job, path);
}

void files_volume_make_dir(struct files_job *job) {
    char path[FILES_PATH];
    struct stat st;
    if (!files_argument(job, ARG_PATH, path))
        return;
    const bool force = is_forced(job);
    if (lstat(path, &st) == 0) {
        if (force && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            files_done_path(job, path);
        else
            files_fail(job, FILES_EXISTS, EEXIST, path);
        return;
    }
    if (force && !files_make_parents(job, path))
        return;
    if (mkdir(path, 0755) < 0)
        files_fail_errno(job, errno, path);
    else
        finish(job, path);
}

/* -1: the job has failed. */
static int open_output(struct files_job *job, const char *path) {
    struct stat st;
    const bool force = is_forced(job);
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        files_fail(job, S_ISDIR(st.st_mode) ? FILES_DIRECTORY : FILES_NOT_REGULAR, EINVAL, path);
        return -1;
    }
    /* O_NONBLOCK: should it have become a FIFO meanwhile. */
    int flags = O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (force ? 0 : O_EXCL);
    int fd = open(path, flags, 0644);
    if (fd >= 0 && files_is_plain(fd))
        return fd;
    if (fd >= 0)
        files_fail(job, FILES_NOT_REGULAR, EINVAL, path);
    else if (errno == EEXIST)
        files_fail(job, FILES_EXISTS, errno, path);
    else
        files_fail_errno(job, errno, path);
    if (fd >= 0)
        close(fd);
    return -1;
}

void files_volume_open_write(struct files_job *job) {
    char path[FILES_PATH];
    struct stat st;
    if (!files_argument(job, ARG_PATH, path))
        return;
    int fd = open_output(job, path);
    if (fd < 0)
        return;
    int error = set_attributes(job, path);
    if (error) {
        files_fail_errno(job, error, path);
    } else if (ftruncate(fd, 0) < 0 || fstat(fd, &st) < 0) {
        files_fail(job, FILES_SYSTEM, errno, path);
    } else {
        files_add(job, path, &st, NULL);
        files_done(job, fd);
    }
    close(fd);
}

void files_volume_remove(struct files_job *job) {
    char path[FILES_PATH];
    struct stat st;
    if (!files_argument(job, ARG_PATH, path))
        return;
    if (!path[1])
        files_fail(job, FILES_SYSTEM, EBUSY, path);
    else if (lstat(path, &st) < 0)
        files_fail_errno(job, errno, path);
    else if (tree_remove(AT_FDCWD, path))
        files_done(job, -1);
    else
        files_fail_errno(job, errno, path);
}
