/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.1 message heads and chunked bodies, for the three parties that speak it: the client, the
 * backend's server and the relay to sandbox ports. Pure parsing of bytes in memory: no I/O and no
 * allocation; slices point into the caller's buffer.
 *
 * Strict where laxness lets two parties disagree about where a message ends (request smuggling):
 * no bare CR, no obsolete folding, no white space before a colon, no Content-Length beside
 * Transfer-Encoding, no two different lengths, no coding but "chunked".
 */
#ifndef E2B_COMMON_HTTP1_H
#define E2B_COMMON_HTTP1_H

#include "common/util.h"

enum {
    HTTP1_MAX_HEAD = 64 << 10,
    HTTP1_MAX_HEADERS = 128,
};

struct slice {
    const char *at;
    size_t len;
};

struct http1_header {
    struct slice name;
    struct slice value;
};

struct http1_head {
    struct slice method; /* requests */
    struct slice target; /* requests: raw, still percent-encoded */
    int status;          /* responses */
    struct slice reason;
    int minor; /* HTTP/1.<minor> */
    struct http1_header headers[HTTP1_MAX_HEADERS];
    size_t header_count;

    /* What the headers say of framing. */
    bool chunked;
    bool has_length;
    uint64_t length;
    bool keep_alive;
    bool upgrade; /* "Connection: upgrade" with an Upgrade header */
    bool expect_continue;
};

enum http1_result {
    HTTP1_OK,
    HTTP1_MORE,      /* the head is not complete yet */
    HTTP1_BAD,       /* 400 */
    HTTP1_TOO_LARGE, /* 431: more than HTTP1_MAX_HEAD bytes or HTTP1_MAX_HEADERS lines */
};

/* On HTTP1_OK *used is the length of the head, the blank line included. */
enum http1_result http1_parse_request(const char *bytes, size_t len, struct http1_head *head,
                                      size_t *used);
enum http1_result http1_parse_response(const char *bytes, size_t len, struct http1_head *head,
                                       size_t *used);

/* The first header of that name (any case); NULL if there is none. */
const struct slice *http1_find(const struct http1_head *head, const char *name);
/* Is `token` in the comma-separated list that is `value`? */
bool http1_has_token(struct slice value, const char *token);

bool slice_is(struct slice s, const char *text);        /* exactly */
bool slice_is_nocase(struct slice s, const char *text); /* ASCII case folded */
struct slice slice_trim(struct slice s);                /* spaces and tabs at both ends */
bool slice_number(struct slice s, uint64_t *number);    /* decimal digits only, no overflow */

/* Decodes a chunked body piece by piece. Zero-initialise. */
struct http1_chunks {
    uint64_t left; /* bytes of the current chunk that are still to come */
    uint32_t line; /* length of the line being read (bounded) */
    uint8_t state;
};

/* Looks at `len` bytes: sets *used to how many were dealt with and *data to the piece of body among
 * them (may be empty). Returns HTTP1_MORE while the body goes on, HTTP1_OK once it ended (what is
 * behind *used belongs to the next message), HTTP1_BAD on nonsense. Call again while *used < len.
 */
enum http1_result http1_chunks_next(struct http1_chunks *c, const char *bytes, size_t len,
                                    size_t *used, struct slice *data);

#endif
