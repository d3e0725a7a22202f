/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: HTTP/1.1 message heads and chunked bodies. Besides memory errors it looks for what
 * makes two parties disagree: a head that parses must parse the same when it arrives in two pieces,
 * and the slices must lie inside the input.
 */
#include "common/http1.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum http1_result parse(const char *bytes, size_t len, struct http1_head *head,
                                size_t *used);

static void need(bool truth) {
    if (!truth)
        abort();
}

static void need_inside(struct slice s, const char *bytes, size_t size) {
    need(s.len == 0 || (s.at >= bytes && s.at + s.len <= bytes + size));
}

static void check_head(parse *parse_head, const char *bytes, size_t size) {
    static struct http1_head head, part;
    size_t used = 0, part_used = 0;
    if (parse_head(bytes, size, &head, &used) != HTTP1_OK)
        return;
    need(used <= size && head.header_count <= HTTP1_MAX_HEADERS);
    need(!(head.chunked && head.has_length));
    need_inside(head.method, bytes, used);
    need_inside(head.target, bytes, used);
    for (size_t i = 0; i < head.header_count; i++) {
        need_inside(head.headers[i].name, bytes, used);
        need_inside(head.headers[i].value, bytes, used);
    }
    need(parse_head(bytes, used, &part, &part_used) == HTTP1_OK && part_used == used);
    need(parse_head(bytes, used / 2, &part, &part_used) != HTTP1_OK);
}

static void check_chunks(const char *bytes, size_t size) {
    struct http1_chunks chunks = {0};
    for (size_t at = 0; at < size;) {
        struct slice data = {0};
        size_t used = 0;
        enum http1_result result = http1_chunks_next(&chunks, bytes + at, size - at, &used, &data);
        need(used <= size - at);
        need_inside(data, bytes + at, used);
        if (result != HTTP1_MORE)
            return;
        need(used > 0);
        at += used;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *bytes = (const char *)data;
    check_head(http1_parse_request, bytes, size);
    check_head(http1_parse_response, bytes, size);
    check_chunks(bytes, size);
    return 0;
}
