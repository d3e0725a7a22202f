/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a file for the daemon, which reads and writes it by the descriptor.
 */
#include "backend/agent/files_job.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SNAPSHOT_SECONDS = 10 };

/* A file that only its own file system knows how to read (proc, FUSE) might block the daemon, so it
 * is copied here. The alarm ends this process and so tells the daemon. */
static int snapshot(int from, int *error) {
    static char bytes[64 << 10];
    int copy = memfd_create("snapshot", MFD_CLOEXEC);
    if (copy < 0) {
        *error = errno;
        return -1;
    }
    alarm(SNAPSHOT_SECONDS);
    for (size_t total = 0;;) {
        ssize_t n = read(from, bytes, sizeof(bytes));
        if (n == 0)
            break;
        total += n > 0 ? (size_t)n : 0;
        if (n < 0 || total > FILES_SNAPSHOT || write(copy, bytes, (size_t)n) != n) {
            *error = n < 0 ? errno : EFBIG;
            close(copy);
            return -1;
        }
    }
    alarm(0);
    return copy;
}

static void answer(struct files_job *job, int fd, const char *path) {
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        files_fail(job, FILES_NOT_REGULAR, EINVAL, path);
        return;
    }
    int copy = -1, error = 0;
    if (!files_is_plain(fd)) {
        copy = snapshot(fd, &error);
        if (copy < 0) {
            files_fail(job, error == EFBIG ? FILES_TOO_LARGE : FILES_SYSTEM, error, path);
            return;
        }
    }
    files_add(job, path, &st, NULL);
    files_done(job, copy < 0 ? fd : copy);
    if (copy >= 0)
        close(copy);
}

void files_open_read(struct files_job *job) {
    char path[FILES_PATH];
    struct stat st;
    if (!files_argument(job, 0, path))
        return;
    if (stat(path, &st) < 0) {
        files_fail_errno(job, errno, path);
        return;
    }
    if (!S_ISREG(st.st_mode)) {
        files_fail(job, S_ISDIR(st.st_mode) ? FILES_DIRECTORY : FILES_NOT_REGULAR, EINVAL, path);
        return;
    }
    /* O_NONBLOCK: should it have become a FIFO meanwhile. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        files_fail_errno(job, errno, path);
        return;
    }
    answer(job, fd, path);
    close(fd);
}

void files_open_write(struct files_job *job) {
    char path[FILES_PATH];
    struct stat st;
    bool made;
    if (!files_argument(job, 0, path))
        return;
    int fd = files_open_output(job, path, &made);
    if (fd < 0)
        return;
    /* Metadata first: where it cannot be kept, what was in the file stays. */
    size_t count = job->arg_count - 1;
    int error = files_set_metadata(fd, job->args + 1, count);
    if (error) {
        if (made)
            unlink(path);
        files_fail(job, error == ENOTSUP ? FILES_NO_METADATA : FILES_SYSTEM, error, path);
    } else if (ftruncate(fd, 0) < 0 || fstat(fd, &st) < 0) {
        files_fail(job, FILES_SYSTEM, errno, path);
    } else {
        files_add(job, path, &st, NULL);
        files_done(job, fd);
    }
    close(fd);
}
