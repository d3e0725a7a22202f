/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what names a sandbox, and heads on their way through the relay. A head that is
 * passed on must parse again, with the same framing and none of what belongs to one connection.
 */
#include "backend/envd/address.h"
#include "backend/envd/relay_head.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool truth) {
    if (!truth)
        abort();
}

static void check_address(const struct http1_head *head) {
    struct address address = {0};
    if (address_find(head, &address) != ADDRESS_SANDBOX)
        return;
    size_t len = strnlen(address.id, sizeof(address.id));
    need(len > 0 && len < sizeof(address.id));
    need(strspn(address.id, "abcdefghijklmnopqrstuvwxyz0123456789") == len);
    need(address.port > 0 && address.port < 65536);
}

static void check_request(const struct http1_head *head) {
    static struct http1_head again;
    cleanup_buf struct buf out = BUF_INIT(4 * HTTP1_MAX_HEAD);
    size_t used = 0;
    need(relay_request_head(head, NULL, &out));
    enum http1_result result = http1_parse_request(out.data, out.len, &again, &used);
    if (result == HTTP1_TOO_LARGE)
        return; /* the program is told that by its own server */
    need(result == HTTP1_OK && used == out.len);
    need(again.chunked == head->chunked && again.has_length == head->has_length);
    need(again.length == head->length && again.upgrade == head->upgrade);
    need(!http1_find(&again, "keep-alive") && !http1_find(&again, "expect"));
    need(again.target.len == head->target.len &&
         memcmp(again.target.at, head->target.at, head->target.len) == 0);
}

static void check_response(const struct http1_head *head) {
    cleanup_buf struct buf out = BUF_INIT(4 * HTTP1_MAX_HEAD);
    need(relay_response_headers(head, &out));
    need(!out.len || (out.data[out.len - 2] == '\r' && out.data[out.len - 1] == '\n'));
    need(!out.len || !memmem(out.data, out.len, "\r\n\r\n", 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct http1_head head;
    size_t used = 0;
    if (http1_parse_request((const char *)data, size, &head, &used) == HTTP1_OK) {
        check_address(&head);
        check_request(&head);
    }
    if (http1_parse_response((const char *)data, size, &head, &used) == HTTP1_OK)
        check_response(&head);
    return 0;
}
