/* SPDX-License-Identifier: Apache-2.0
 *
 * What waits to be sent on a connection: a buffer, and behind it possibly a file that goes by
 * sendfile. Never blocks; SIGPIPE must be ignored by the process (sendfile has no flag against it).
 */
#include "backend/http/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* One connection's share of a turn, so that a big file does not keep the others waiting. */
enum { FILE_TURN = 1 << 20, KEPT_BUFFER = 32 << 10 };

size_t output_pending(const struct output *out) {
    return out->buf.len - out->sent;
}

bool output_idle(const struct output *out) {
    return !output_pending(out) && out->file < 0;
}

bool output_add(struct output *out, const void *bytes, size_t len) {
    if (out->sent && out->buf.len + len > out->buf.cap) {
        buf_consume(&out->buf, out->sent);
        out->sent = 0;
    }
    return buf_add(&out->buf, bytes, len);
}

bool output_send(struct output *out, int fd, const struct slice parts[static 3]) {
    struct iovec iov[3];
    size_t skip = 0;
    for (size_t i = 0; i < 3; i++)
        iov[i] = (struct iovec){(void *)(uintptr_t)parts[i].at, parts[i].len};
    if (!output_pending(out)) {
        struct msghdr message = {.msg_iov = iov, .msg_iovlen = 3};
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        skip = n > 0 ? (size_t)n : 0;
    }
    for (size_t i = 0; i < 3; i++) {
        size_t gone = MIN(skip, parts[i].len);
        skip -= gone;
        if (parts[i].len > gone && !output_add(out, parts[i].at + gone, parts[i].len - gone))
            return false;
    }
    return true;
}

static enum output_result send_buffer(struct output *out, int fd) {
    ssize_t n = send(fd, out->buf.data + out->sent, output_pending(out),
                     MSG_NOSIGNAL | MSG_DONTWAIT | (out->file >= 0 ? MSG_MORE : 0));
    if (n < 0 && errno == EINTR)
        return OUTPUT_PROGRESS;
    if (n < 0)
        return errno == EAGAIN ? OUTPUT_BLOCKED : OUTPUT_FAILED;
    out->sent += (size_t)n;
    if (output_pending(out))
        return OUTPUT_BLOCKED;
    out->buf.len = out->sent = 0;
    if (out->buf.cap > KEPT_BUFFER)
        buf_free(&out->buf);
    return OUTPUT_PROGRESS;
}

static enum output_result send_file(struct output *out, int fd) {
    off_t offset = out->file_offset;
    ssize_t n = sendfile(fd, out->file, &offset, (size_t)MIN(out->file_left, (int64_t)FILE_TURN));
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? OUTPUT_BLOCKED : OUTPUT_FAILED;
    if (n == 0)
        return OUTPUT_FAILED; /* shorter than promised */
    out->file_offset += n;
    out->file_left -= n;
    if (out->file_left)
        return OUTPUT_BLOCKED;
    close_fd(&out->file);
    return OUTPUT_PROGRESS;
}

enum output_result output_flush(struct output *out, int fd) {
    if (output_pending(out))
        return send_buffer(out, fd);
    if (out->file >= 0)
        return send_file(out, fd);
    return OUTPUT_EMPTY;
}

void output_free(struct output *out) {
    buf_free(&out->buf);
    close_fd(&out->file);
}
