/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON is written by hand around the base64: it is most of the work of passing input on.
 */
#include "cli/sandbox/feed.h"

#include "common/base64.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 64 << 10, CHUNK_BASE64 = (CHUNK + 2) / 3 * 4, AROUND = 128 };

int feed_fd(const struct feed *feed) {
    return feed->pid && !feed->reply ? feed->fd : -1;
}

bool feed_done(const struct feed *feed) {
    return feed->fd < 0 && !feed->reply;
}

static bool begin(struct feed *feed, const char *method, const char *message, struct error *err) {
    feed->reply = client_rpc_begin(feed->client, feed->sandbox, method, feed->user, message, err);
    return feed->reply;
}

static bool send_bytes(struct feed *feed, const char *bytes, size_t len, struct error *err) {
    char text[CHUNK_BASE64 + AROUND];
    int head = snprintf(text, AROUND, "{\"process\":{\"pid\":%" PRId64 "},\"input\":{\"%s\":\"",
                        feed->pid, feed->tty ? "pty" : "stdin");
    base64_encode(bytes, len, text + head);
    strcat(text + head, "\"}}");
    return begin(feed, "process.Process/SendInput", text, err);
}

/* A terminal has no end of file: Ctrl-D tells the program at the other side. */
static bool send_end(struct feed *feed, struct error *err) {
    feed->fd = -1;
    if (feed->tty)
        return send_bytes(feed, "\004", 1, err);
    char text[AROUND];
    snprintf(text, sizeof(text), "{\"process\":{\"pid\":%" PRId64 "}}", feed->pid);
    return begin(feed, "process.Process/CloseStdin", text, err);
}

bool feed_read(struct feed *feed, struct error *err) {
    char bytes[CHUNK];
    ssize_t n = read(feed->fd, bytes, sizeof(bytes));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    return n > 0 ? send_bytes(feed, bytes, (size_t)n, err) : send_end(feed, err);
}

/* Whatever the refusal, nothing more will be taken; only that the process is gone is worth a word.
 */
static void refused(struct feed *feed, const struct error *why) {
    feed->undelivered = feed->fd >= 0 && why->kind == ERR_NOT_FOUND;
    feed->fd = -1;
}

bool feed_reply(struct feed *feed, struct error *err) {
    json_t *message;
    if (!feed->reply)
        return true;
    enum stream_result result = client_stream_next(feed->reply, &message, err);
    json_decref(message);
    if (result == STREAM_WAIT)
        return true;
    client_stream_close(steal_ptr(&feed->reply));
    if (result != STREAM_FAILED)
        return true;
    refused(feed, err);
    return err->http_status != 0;
}

void feed_free(struct feed *feed) {
    if (feed->reply)
        client_stream_close(feed->reply);
    feed->reply = NULL;
}
