/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoded output waits here until its reader has room; the next message is not read before.
 */
#include "cli/sandbox/sink.h"

#include "common/base64.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

bool sink_put(struct sink *sink, const char *base64, size_t len, struct error *err) {
    size_t decoded;
    sink->out.len = sink->written = 0;
    if (sink->gone)
        return true;
    if (!buf_reserve(&sink->out, base64_decoded_size(len)) ||
        !base64_decode(base64, len, sink->out.data, &decoded))
        return error_set(err, ERR_INTERNAL, "the sandbox sent output that cannot be read");
    sink->out.len = decoded;
    return sink_flush(sink, err);
}

static bool has_room(int fd) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    return poll(&poll_fd, 1, 0) > 0;
}

bool sink_flush(struct sink *sink, struct error *err) {
    while (!sink_empty(sink) && !sink->gone && has_room(sink->fd)) {
        size_t len = MIN(sink->out.len - sink->written, (size_t)PIPE_BUF);
        ssize_t n = write(sink->fd, sink->out.data + sink->written, len);
        if (n >= 0)
            sink->written += (size_t)n;
        else if (errno == EPIPE)
            sink->gone = true;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            return error_errno(err, errno, "cannot write the output of the command");
    }
    if (sink->gone)
        sink->written = sink->out.len;
    return true;
}

void sink_free(struct sink *sink) {
    buf_free(&sink->out);
}
