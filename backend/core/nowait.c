/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/process_io.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

/* Kernels before 6.4 know RWF_NOWAIT for files only. There splice asks the pipe itself not to wait:
 * through a pipe of our own, which is empty between two calls. */
static int own_pipe[2] = {-1, -1};

static bool need_own_pipe(void) {
    return own_pipe[0] >= 0 || pipe2(own_pipe, O_CLOEXEC | O_NONBLOCK) == 0;
}

static ssize_t splice_read(int fd, void *bytes, size_t len) {
    if (!need_own_pipe())
        return -1;
    ssize_t n = splice(fd, NULL, own_pipe[1], NULL, len, SPLICE_F_NONBLOCK);
    return n <= 0 ? n : read(own_pipe[0], bytes, (size_t)n);
}

static ssize_t splice_write(int fd, const void *bytes, size_t len) {
    if (!need_own_pipe())
        return -1;
    ssize_t held = write(own_pipe[1], bytes, MIN(len, (size_t)PROCESS_PIPE_CHUNK));
    if (held < 0)
        return -1;
    ssize_t n = splice(own_pipe[0], NULL, fd, NULL, (size_t)held, SPLICE_F_NONBLOCK);
    int saved = errno;
    char rest[4096];
    for (ssize_t left = held - MAX(n, 0); left > 0;) {
        ssize_t dropped = read(own_pipe[0], rest, MIN((size_t)left, sizeof(rest)));
        if (dropped <= 0)
            break;
        left -= dropped;
    }
    errno = saved;
    return n;
}

/* A terminal's driver looks at nothing but the description's flag. Only PID 1 of the sandbox holds
 * it beside us, and no program inside has a way to it; set it afresh all the same. */
static bool set_flag(int fd) {
    return io_set_nonblocking(fd, true);
}

ssize_t nowait_read(int fd, void *bytes, size_t len, bool is_terminal) {
    if (is_terminal)
        return set_flag(fd) ? read(fd, bytes, len) : -1;
    struct iovec piece = {.iov_base = bytes, .iov_len = len};
    ssize_t n = preadv2(fd, &piece, 1, -1, RWF_NOWAIT);
    return n < 0 && errno == EOPNOTSUPP ? splice_read(fd, bytes, len) : n;
}

ssize_t nowait_write(int fd, const void *bytes, size_t len, bool is_terminal) {
    if (is_terminal)
        return set_flag(fd) ? write(fd, bytes, len) : -1;
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    ssize_t n = pwritev2(fd, &piece, 1, -1, RWF_NOWAIT);
    return n < 0 && errno == EOPNOTSUPP ? splice_write(fd, bytes, len) : n;
}
