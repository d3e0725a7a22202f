/* SPDX-License-Identifier: Apache-2.0
 *
 * Cuts the body of a request out of the connection's input, whichever way it is delimited. Does not
 * look further than the body goes: what follows is the next request.
 */
#include "backend/http/internal.h"

void body_start(struct body *body, const struct http1_head *head) {
    *body = (struct body){.kind = BODY_OVER};
    if (head->chunked)
        body->kind = BODY_CHUNKED;
    else if (head->has_length && head->length) {
        body->kind = BODY_LENGTH;
        body->left = head->length;
    }
}

static size_t next_by_length(struct body *body, const char *bytes, size_t len) {
    size_t n = (size_t)MIN((uint64_t)len, body->left);
    body->piece = (struct slice){bytes, n};
    body->left -= n;
    if (!body->left)
        body->kind = BODY_OVER;
    return n;
}

static size_t next_chunk(struct body *body, const char *bytes, size_t len) {
    size_t total = 0;
    while (total < len && !body->piece.len && body->kind != BODY_OVER) {
        size_t used = 0;
        enum http1_result result =
            http1_chunks_next(&body->chunks, bytes + total, len - total, &used, &body->piece);
        total += used;
        body->bad = result == HTTP1_BAD;
        if (result != HTTP1_MORE)
            body->kind = BODY_OVER;
        else if (!used)
            break;
    }
    return total;
}

size_t body_next(struct body *body, const char *bytes, size_t len) {
    if (body->piece.len || body->kind == BODY_OVER)
        return 0;
    return body->kind == BODY_LENGTH ? next_by_length(body, bytes, len)
                                     : next_chunk(body, bytes, len);
}
