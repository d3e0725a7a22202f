/* SPDX-License-Identifier: Apache-2.0
 *
 * Small file-descriptor helpers: whole reads and writes, Unix sockets at paths of any length, and
 * descriptors passed over them. Everything opened here is O_CLOEXEC.
 */
#ifndef E2B_COMMON_IO_H
#define E2B_COMMON_IO_H

#include "common/error.h"
#include "common/buf.h"

#include <sys/socket.h>

bool io_write_all(int fd, const void *bytes, size_t len); /* errno on failure */
/* Appends until end of file; fails when the buffer's maximum is reached (errno EFBIG). */
bool io_read_all(int fd, struct buf *into);
bool io_read_file(const char *path, struct buf *into, struct error *err);
/* Whole or not at all: a temporary file beside it, fsync, rename. */
bool io_write_file(const char *path, const void *bytes, size_t len, unsigned mode,
                   struct error *err);
bool io_mkdirs(const char *path, unsigned mode, struct error *err);
bool io_set_nonblocking(int fd, bool on);

/* `name` in the directory `dir` (an O_PATH descriptor), so a long path does not meet the 108 bytes
 * of sockaddr_un. `type` is SOCK_STREAM or SOCK_SEQPACKET, with SOCK_NONBLOCK if wanted. */
int io_unix_connect(int dir, const char *name, int type, struct error *err);
int io_unix_listen(int dir, const char *name, int type, struct error *err);

/* One message with descriptors. io_send_fds: -1 and errno on failure. io_recv_fds: as recvmsg with
 * MSG_CMSG_CLOEXEC; *fd_count is in: room, out: how many came; a truncated message (MSG_TRUNC or
 * MSG_CTRUNC) closes what came and fails with EMSGSIZE. An empty message, which looks like the end,
 * brings none. */
enum { IO_MAX_FDS = 64 };
ssize_t io_send_fds(int sock, const void *bytes, size_t len, const int *fds, size_t fd_count,
                    int flags);
ssize_t io_recv_fds(int sock, void *bytes, size_t len, int *fds, size_t *fd_count, int flags);

#endif
