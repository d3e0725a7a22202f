/* SPDX-License-Identifier: Apache-2.0 */
#include "common/http1.h"

#include <string.h>
#include <strings.h>

bool slice_is(struct slice s, const char *text) {
    return strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}

bool slice_is_nocase(struct slice s, const char *text) {
    return strlen(text) == s.len && strncasecmp(s.at, text, s.len) == 0;
}

bool slice_number(struct slice s, uint64_t *number) {
    uint64_t n = 0;
    if (!s.len)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(s.at[i] - '0');
        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *number = n;
    return true;
}

/* RFC 9110 "tchar". */
static bool is_token_char(unsigned char c) {
    if (c >= '0' && c <= '9')
        return true;
    if ((c | 32) >= 'a' && (c | 32) <= 'z')
        return true;
    return c && strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_token(struct slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (!is_token_char((unsigned char)s.at[i]))
            return false;
    return s.len > 0;
}

struct slice slice_trim(struct slice s) {
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
        s.at++, s.len--;
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Cuts the next line off; a CR may only stand before the LF. */
static bool next_line(struct slice *rest, struct slice *line) {
    const char *end = memchr(rest->at, '\n', rest->len);
    if (!end)
        return false;
    size_t len = (size_t)(end - rest->at);
    *line = (struct slice){rest->at, len};
    rest->at += len + 1;
    rest->len -= len + 1;
    if (line->len && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

static bool has_control(struct slice s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if ((c < 32 && c != '\t') || c == 127)
            return true;
    }
    return false;
}

static bool parse_version(struct slice s, int *minor) {
    if (s.len != 8 || memcmp(s.at, "HTTP/1.", 7) != 0 || (s.at[7] != '0' && s.at[7] != '1'))
        return false;
    *minor = s.at[7] - '0';
    return true;
}

static bool parse_request_line(struct slice line, struct http1_head *head) {
    const char *space = memchr(line.at, ' ', line.len);
    if (!space)
        return false;
    head->method = (struct slice){line.at, (size_t)(space - line.at)};
    struct slice rest = {space + 1, line.len - head->method.len - 1};
    space = memchr(rest.at, ' ', rest.len);
    if (!space)
        return false;
    head->target = (struct slice){rest.at, (size_t)(space - rest.at)};
    struct slice version = {space + 1, rest.len - head->target.len - 1};
    return is_token(head->method) && head->target.len && !has_control(line) &&
           parse_version(version, &head->minor);
}

static bool parse_status_line(struct slice line, struct http1_head *head) {
    uint64_t status;
    if (line.len < 12 || line.at[8] != ' ' || has_control(line) ||
        !parse_version((struct slice){line.at, 8}, &head->minor) ||
        !slice_number((struct slice){line.at + 9, 3}, &status) || status < 100)
        return false;
    head->status = (int)status;
    if (line.len > 12 && line.at[12] != ' ')
        return false;
    if (line.len > 13)
        head->reason = (struct slice){line.at + 13, line.len - 13};
    return true;
}

bool http1_has_token(struct slice value, const char *token) {
    while (value.len) {
        const char *comma = memchr(value.at, ',', value.len);
        size_t len = comma ? (size_t)(comma - value.at) : value.len;
        if (slice_is_nocase(slice_trim((struct slice){value.at, len}), token))
            return true;
        size_t skip = comma ? len + 1 : len;
        value.at += skip;
        value.len -= skip;
    }
    return false;
}

/* One header line's meaning for framing; false where it makes the end of the message ambiguous. */
static bool note_framing(struct http1_head *head, const struct http1_header *h,
                         bool *connection_upgrade, bool *has_upgrade) {
    if (slice_is_nocase(h->name, "content-length")) {
        uint64_t length;
        if (!slice_number(h->value, &length) || (head->has_length && head->length != length))
            return false;
        head->has_length = true;
        head->length = length;
    } else if (slice_is_nocase(h->name, "transfer-encoding")) {
        if (head->chunked || !slice_is_nocase(h->value, "chunked"))
            return false;
        head->chunked = true;
    } else if (slice_is_nocase(h->name, "connection")) {
        if (http1_has_token(h->value, "close"))
            head->keep_alive = false;
        else if (http1_has_token(h->value, "keep-alive"))
            head->keep_alive = true;
        *connection_upgrade |= http1_has_token(h->value, "upgrade");
    } else if (slice_is_nocase(h->name, "upgrade")) {
        *has_upgrade = true;
    } else if (slice_is_nocase(h->name, "expect")) {
        head->expect_continue = slice_is_nocase(h->value, "100-continue");
    }
    return true;
}

static bool parse_header_line(struct slice line, struct http1_header *header) {
    const char *colon = memchr(line.at, ':', line.len);
    if (!colon || has_control(line))
        return false;
    header->name = (struct slice){line.at, (size_t)(colon - line.at)};
    header->value = slice_trim((struct slice){colon + 1, line.len - header->name.len - 1});
    return is_token(header->name);
}

static enum http1_result parse_headers(struct slice rest, struct http1_head *head) {
    bool connection_upgrade = false, has_upgrade = false;
    struct slice line;
    while (next_line(&rest, &line) && line.len) {
        if (head->header_count == HTTP1_MAX_HEADERS)
            return HTTP1_TOO_LARGE;
        struct http1_header *header = &head->headers[head->header_count++];
        if (!parse_header_line(line, header) ||
            !note_framing(head, header, &connection_upgrade, &has_upgrade))
            return HTTP1_BAD;
    }
    head->upgrade = connection_upgrade && has_upgrade;
    return head->chunked && (head->has_length || head->minor == 0) ? HTTP1_BAD : HTTP1_OK;
}

/* The length of the head with its blank line; 0 while that has not come. */
static size_t head_length(const char *bytes, size_t len) {
    const char *at = bytes, *end = bytes + len;
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        at++;
        if (at < end && *at == '\n')
            return (size_t)(at + 1 - bytes);
        if (at + 1 < end && at[0] == '\r' && at[1] == '\n')
            return (size_t)(at + 2 - bytes);
    }
    return 0;
}

static enum http1_result parse_head(const char *bytes, size_t len, struct http1_head *head,
                                    size_t *used,
                                    bool (*first_line)(struct slice, struct http1_head *)) {
    size_t total = head_length(bytes, MIN(len, (size_t)HTTP1_MAX_HEAD));
    if (!total)
        return len >= HTTP1_MAX_HEAD ? HTTP1_TOO_LARGE : HTTP1_MORE;
    /* The header table is large and need not be cleared: only what is counted is read. */
    memset(head, 0, offsetof(struct http1_head, headers));
    memset(&head->header_count, 0, sizeof(*head) - offsetof(struct http1_head, header_count));
    struct slice rest = {bytes, total}, line;
    if (!next_line(&rest, &line) || !first_line(line, head))
        return HTTP1_BAD;
    head->keep_alive = head->minor >= 1;
    *used = total;
    return parse_headers(rest, head);
}

enum http1_result http1_parse_request(const char *bytes, size_t len, struct http1_head *head,
                                      size_t *used) {
    return parse_head(bytes, len, head, used, parse_request_line);
}

enum http1_result http1_parse_response(const char *bytes, size_t len, struct http1_head *head,
                                       size_t *used) {
    return parse_head(bytes, len, head, used, parse_status_line);
}

const struct slice *http1_find(const struct http1_head *head, const char *name) {
    for (size_t i = 0; i < head->header_count; i++)
        if (slice_is_nocase(head->headers[i].name, name))
            return &head->headers[i].value;
    return NULL;
}

enum {
    CHUNK_SIZE,      /* digits of a size line */
    CHUNK_EXTENSION, /* the rest of that line, ignored */
    CHUNK_SIZE_END,  /* the LF behind its CR */
    CHUNK_DATA,
    CHUNK_DATA_END, /* the line end behind a chunk */
    CHUNK_TRAILER,  /* trailer lines, ignored, up to an empty one */
    CHUNK_DONE,
    CHUNK_MAX_LINE = 4096,
    CHUNK_MAX_DIGITS = 15,
};

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool chunk_size_char(struct http1_chunks *c, char byte) {
    int digit = hex_digit(byte);
    if (digit >= 0) {
        c->left = c->left << 4 | (unsigned)digit;
        return ++c->line <= CHUNK_MAX_DIGITS;
    }
    if (!c->line)
        return false;
    c->state = byte == '\r' ? CHUNK_SIZE_END : CHUNK_EXTENSION;
    c->line = 0;
    return byte == '\r' || byte == ';' || byte == ' ' || byte == '\t';
}

static bool chunk_extension_char(struct http1_chunks *c, char byte) {
    if (byte == '\r')
        c->state = CHUNK_SIZE_END;
    else if ((unsigned char)byte < 32 && byte != '\t')
        return false;
    return ++c->line <= CHUNK_MAX_LINE;
}

/* Everything that is not chunk data goes through here, a byte at a time. Size lines end with CR LF
 * and nothing less: where an extension ends is what smugglers make two parties disagree about. */
static bool chunk_line_char(struct http1_chunks *c, char byte) {
    switch (c->state) {
    case CHUNK_SIZE:
        return chunk_size_char(c, byte);
    case CHUNK_EXTENSION:
        return chunk_extension_char(c, byte);
    case CHUNK_SIZE_END:
        c->state = c->left ? CHUNK_DATA : CHUNK_TRAILER;
        c->line = 0;
        return byte == '\n';
    case CHUNK_DATA_END:
        if (byte == '\r' && !c->line)
            return ++c->line;
        if (byte != '\n' || !c->line)
            return false;
        c->state = CHUNK_SIZE;
        c->line = 0;
        return true;
    default: /* CHUNK_TRAILER */
        if (byte == '\n') {
            if (!c->line)
                c->state = CHUNK_DONE;
            c->line = 0;
        } else if (byte != '\r') {
            c->line++;
        }
        return c->line <= CHUNK_MAX_LINE;
    }
}

enum http1_result http1_chunks_next(struct http1_chunks *c, const char *bytes, size_t len,
                                    size_t *used, struct slice *data) {
    *data = (struct slice){bytes, 0};
    size_t i = 0;
    while (i < len && c->state != CHUNK_DONE) {
        if (c->state == CHUNK_DATA) {
            *data = (struct slice){bytes + i, (size_t)MIN((uint64_t)(len - i), c->left)};
            c->left -= data->len;
            i += data->len;
            if (!c->left)
                c->state = CHUNK_DATA_END;
            break;
        }
        if (!chunk_line_char(c, bytes[i++]))
            return HTTP1_BAD;
    }
    *used = i;
    return c->state == CHUNK_DONE ? HTTP1_OK : HTTP1_MORE;
}
