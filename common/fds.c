/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors passed over Unix sockets (io.h). Apart from the rest because the agent inside the
 * sandboxes, which is linked with as little as possible, does it too.
 */
#include "common/io.h"

#include <errno.h>
#include <string.h>

ssize_t io_send_fds(int sock, const void *bytes, size_t len, const int *fds, size_t fd_count,
                    int flags) {
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int) * IO_MAX_FDS)];
    } control;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd_count > IO_MAX_FDS) {
        errno = EINVAL;
        return -1;
    }
    if (fd_count) {
        memset(&control, 0, sizeof(control));
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
    }
    ssize_t n;
    do
        n = sendmsg(sock, &message, flags | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Takes what arrived into `fds`; what has no room there is closed. */
static size_t take_fds(struct msghdr *message, int *fds, size_t room) {
    size_t count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (count < room)
                fds[count++] = fd;
            else
                close(fd);
        }
    }
    return count;
}

ssize_t io_recv_fds(int sock, void *bytes, size_t len, int *fds, size_t *fd_count, int flags) {
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int) * IO_MAX_FDS)];
    } control;
    struct iovec iov = {.iov_base = bytes, .iov_len = len};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    size_t room = *fd_count;
    *fd_count = 0;
    ssize_t n;
    do
        n = recvmsg(sock, &message, flags | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return n;
    bool cut = message.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
    *fd_count = take_fds(&message, fds, room);
    while (*fd_count && (cut || !n))
        close(fds[--*fd_count]);
    if (cut)
        errno = EMSGSIZE;
    return cut ? -1 : n;
}
