/* SPDX-License-Identifier: Apache-2.0 */
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

bool io_write_all(int fd, const void *bytes, size_t len) {
    const char *at = bytes;
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool io_read_all(int fd, struct buf *into) {
    for (;;) {
        size_t room = MIN(into->max - into->len, (size_t)64 << 10);
        if (!buf_reserve(into, MAX(room, (size_t)1)))
            return false;
        ssize_t n = read(fd, into->data + into->len, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        into->len += (size_t)n;
        into->data[into->len] = '\0';
    }
}

bool io_read_file(const char *path, struct buf *into, struct error *err) {
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "cannot open %s", path);
    if (!io_read_all(fd, into))
        return error_errno(err, errno, "cannot read %s", path);
    return true;
}

bool io_write_file(const char *path, const void *bytes, size_t len, unsigned mode,
                   struct error *err) {
    char temporary[4096];
    int n = snprintf(temporary, sizeof(temporary), "%s.%d.tmp", path, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof(temporary))
        return error_set(err, ERR_INVALID, "path too long: %s", path);
    cleanup_close int fd =
        open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return error_errno(err, errno, "cannot create %s", temporary);
    if (fchmod(fd, mode) == 0 && io_write_all(fd, bytes, len) && fsync(fd) == 0 &&
        rename(temporary, path) == 0)
        return true;
    int saved = errno;
    unlink(temporary);
    return error_errno(err, saved, "cannot write %s", path);
}

bool io_mkdirs(const char *path, unsigned mode, struct error *err) {
    cleanup_free char *copy = strdup(path);
    if (!copy)
        return error_errno(err, ENOMEM, "cannot create %s", path);
    for (char *at = copy + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char end = *at;
        *at = '\0';
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            return error_errno(err, errno, "cannot create directory %s", copy);
        *at = end;
        if (!end)
            return true;
    }
}

bool io_set_nonblocking(int fd, bool on) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return false;
    int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return wanted == flags || fcntl(fd, F_SETFL, wanted) == 0;
}

static bool unix_address(int dir, const char *name, struct sockaddr_un *address,
                         struct error *err) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n =
        snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof(address->sun_path))
        return error_set(err, ERR_INVALID, "socket name too long: %s", name);
    return true;
}

int io_unix_connect(int dir, const char *name, int type, struct error *err) {
    struct sockaddr_un address;
    if (!unix_address(dir, name, &address, err))
        return -1;
    cleanup_close int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int saved = errno;
        error_errno(err, saved, "cannot connect to %s", name);
        if (saved == ENOENT || saved == ECONNREFUSED)
            err->kind = ERR_UNAVAILABLE;
        return -1;
    }
    return steal_fd(&sock);
}

int io_unix_listen(int dir, const char *name, int type, struct error *err) {
    struct sockaddr_un address;
    if (!unix_address(dir, name, &address, err))
        return -1;
    cleanup_close int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (sock < 0) {
        error_errno(err, errno, "cannot create a socket");
        return -1;
    }
    /* Bound 0600 from the first moment: the mode of the socket's inode bounds the new file's. */
    if (fchmod(sock, 0600) < 0 || bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(sock, SOMAXCONN) < 0) {
        error_errno(err, errno, "cannot listen on %s", name);
        return -1;
    }
    return steal_fd(&sock);
}
