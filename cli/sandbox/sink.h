/* SPDX-License-Identifier: Apache-2.0
 *
 * Standard output and error of a remote command. A slow reader must not stop us from hearing
 * signals, and O_NONBLOCK is not ours to set (others share the descriptor): so at most PIPE_BUF
 * bytes are written at a time, and only when poll says that they fit.
 */
#ifndef E2B_CLI_SANDBOX_SINK_H
#define E2B_CLI_SANDBOX_SINK_H

#include "common/buf.h"
#include "common/error.h"

struct sink {
    int fd;         /* borrowed */
    struct buf out; /* decoded bytes that wait */
    size_t written; /* of them */
    bool gone;      /* the reader left: everything is dropped */
};

enum { SINK_MAX = 16 << 20 };
#define SINK_INIT(descriptor)                                                                      \
    { .fd = (descriptor), .out = BUF_INIT(SINK_MAX) }

/* Takes base64 text; only into an empty sink. */
bool sink_put(struct sink *sink, const char *base64, size_t len, struct error *err);
/* Writes what fits now. False for errors other than a reader that left. */
bool sink_flush(struct sink *sink, struct error *err);
static inline bool sink_empty(const struct sink *sink) {
    return sink->written == sink->out.len;
}
void sink_free(struct sink *sink);

#endif
