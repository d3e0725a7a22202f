/* SPDX-License-Identifier: Apache-2.0
 *
 * See relay_head.h.
 */
#include "backend/envd/relay_head.h"

#include <string.h>

static bool add(struct buf *out, struct slice s) {
    return buf_add(out, s.at, s.len);
}

static bool add_line(struct buf *out, struct slice name, struct slice value) {
    return add(out, name) && buf_add(out, ": ", 2) && add(out, value) && buf_add(out, "\r\n", 2);
}

static struct slice text(const char *s) {
    return (struct slice){s, strlen(s)};
}

/* Is the header named in a Connection header, which makes it one of this connection only? */
static bool is_named_by_connection(const struct http1_head *head, struct slice name) {
    char copy[64];
    if (name.len >= sizeof(copy))
        return false;
    memcpy(copy, name.at, name.len);
    copy[name.len] = '\0';
    for (size_t i = 0; i < head->header_count; i++)
        if (slice_is_nocase(head->headers[i].name, "connection") &&
            http1_has_token(head->headers[i].value, copy))
            return true;
    return false;
}

static bool is_hop_by_hop(const struct http1_head *head, struct slice name) {
    static const char *const names[] = {
        "connection", "keep-alive", "proxy-connection",  "proxy-authenticate", "te",
        "trailer",    "upgrade",    "transfer-encoding", "content-length",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_is_nocase(name, names[i]))
            return true;
    return is_named_by_connection(head, name);
}

static bool add_headers(const struct http1_head *head, bool is_request, struct buf *out) {
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http1_header *h = &head->headers[i];
        bool written_anew =
            is_request && (slice_is_nocase(h->name, "host") || slice_is_nocase(h->name, "expect"));
        if (written_anew || is_hop_by_hop(head, h->name))
            continue;
        if (!add_line(out, h->name, h->value))
            return false;
    }
    return true;
}

static bool add_host(const struct http1_head *head, const char *host, struct buf *out) {
    const struct slice *original = http1_find(head, "host");
    if (host && original && !add_line(out, text("X-Forwarded-Host"), *original))
        return false;
    if (host)
        return add_line(out, text("Host"), text(host));
    return !original || add_line(out, text("Host"), *original);
}

static bool add_upgrade(const struct http1_head *head, struct buf *out) {
    const struct slice *protocol = http1_find(head, "upgrade");
    return protocol && add_line(out, text("Connection"), text("Upgrade")) &&
           add_line(out, text("Upgrade"), *protocol);
}

static bool add_request_framing(const struct http1_head *head, struct buf *out) {
    if (head->chunked)
        return buf_puts(out, "Transfer-Encoding: chunked\r\n");
    if (head->has_length)
        return buf_printf(out, "Content-Length: %llu\r\n", (unsigned long long)head->length);
    return true;
}

/* "100-continue" was dealt with by our server, so Expect is not passed on. */
bool relay_request_head(const struct http1_head *head, const char *host, struct buf *out) {
    return add(out, head->method) && buf_add(out, " ", 1) && add(out, head->target) &&
           buf_puts(out, " HTTP/1.1\r\n") && add_host(head, host, out) &&
           (head->upgrade ? add_upgrade(head, out) : buf_puts(out, "Connection: close\r\n")) &&
           add_request_framing(head, out) && add_headers(head, true, out) && buf_puts(out, "\r\n");
}

bool relay_response_headers(const struct http1_head *head, struct buf *out) {
    return add_headers(head, false, out);
}

bool relay_switch_head(const struct http1_head *head, struct buf *out) {
    return buf_puts(out, "HTTP/1.1 101 ") && add(out, head->reason) && buf_puts(out, "\r\n") &&
           add_upgrade(head, out) && add_headers(head, false, out) && buf_puts(out, "\r\n");
}
