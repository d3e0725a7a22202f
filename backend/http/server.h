/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP/1.1 server on the libuv loop, over any listening socket (Unix or TCP), for the API, the
 * sandbox's own API and the relay to sandbox ports, which meet on one keep-alive connection.
 *
 * One `struct exchange` is one request and its response. Requests of a connection are served one
 * after the other. Back-pressure both ways: a body is read only as fast as the handler takes it,
 * and a stream's writer is told when the peer is slow; memory per connection is bounded. A peer
 * that goes away is noticed at once, also while nothing is being read or written (`closed` below).
 * The process must ignore SIGPIPE.
 *
 * Errors of HTTP itself (400, 408, 413, 414, 431) are answered here, as JSON bodies.
 */
#ifndef E2B_HTTP_SERVER_H
#define E2B_HTTP_SERVER_H

#include "common/buf.h"
#include "common/error.h"
#include "common/http1.h"
#include "common/json.h"

#include <uv.h>

struct http_server;
struct exchange;

/* What the owner of an exchange wants to hear. Unset ones are ignored. */
struct exchange_events {
    /* A piece of the request's body. Return how much was taken; less than `len` stops the reading
     * until exchange_read_more. */
    size_t (*body)(void *ctx, const void *bytes, size_t len);
    void (*body_end)(void *ctx);
    /* The response's buffer has room again after exchange_write said it had not. */
    void (*drained)(void *ctx);
    /* The exchange is over: the response was sent, or the peer left (`broken`). Called exactly
     * once, last; `ctx` may be freed in it. */
    void (*closed)(void *ctx, bool broken);
};

/* Called when a head has arrived; must in the end answer (exchange_reply*, exchange_begin ... end,
 * or exchange_take_over). `x` stays valid until `closed`. */
typedef void (*http_handler)(void *ctx, struct exchange *x);

struct http_listener {
    int fd;          /* listening, non-blocking; the server closes it */
    bool trusted;    /* a Unix socket whose peers were checked: no key needed */
    bool check_peer; /* refuse peers whose uid is neither ours nor root's (SO_PEERCRED) */
};

struct http_server *http_server_start(uv_loop_t *loop, http_handler handler, void *ctx,
                                      struct error *err);
bool http_server_listen(struct http_server *server, const struct http_listener *listener,
                        struct error *err);
/* Closes the listener whose descriptor that is, if there is one. */
void http_server_unlisten(struct http_server *server, int fd);
/* Closes listeners and idle connections and serves what is under way for at most grace_ms; then
 * `done`. The server is gone when that is called. */
void http_server_stop(struct http_server *server, unsigned grace_ms, void (*done)(void *ctx),
                      void *ctx);
unsigned http_server_exchanges(const struct http_server *server);
/* How long no exchange has been under way. */
int64_t http_server_quiet_ms(const struct http_server *server);

/* ---- the request ------------------------------------------------------------------------------
 */

const struct http1_head *
exchange_head(const struct exchange *x); /* valid until the exchange ends */
bool exchange_trusted(const struct exchange *x);
const char *exchange_path(const struct exchange *x);  /* raw: before '?', still percent-encoded */
const char *exchange_query(const struct exchange *x); /* behind '?', raw; "" if none */
/* The decoded value of a query parameter; NULL if absent. Valid until the exchange ends.
 * ERR_INVALID in err for bad encoding or a NUL. `index` counts repeated ones from 0. */
const char *exchange_param(struct exchange *x, const char *name, unsigned index, struct error *err);
/* The header's value as a string valid until the exchange ends; NULL if absent. */
const char *exchange_header(struct exchange *x, const char *name);

void exchange_set_events(struct exchange *x, const struct exchange_events *events, void *ctx);
void exchange_read_more(struct exchange *x);

/* Reads the whole body (at most `max` bytes, else 413 is answered and `done` is not called), then
 * calls `done`. Bytes are valid during the call. */
void exchange_read_body(struct exchange *x, size_t max,
                        void (*done)(void *ctx, struct exchange *x, const char *bytes, size_t len),
                        void *ctx);

/* ---- the response -----------------------------------------------------------------------------
 */

/* Adds a header to the response that will be given. A value that holds a line end, or is longer
 * than 4 KiB, is left out. */
void exchange_add_header(struct exchange *x, const char *name, const char *format, ...)
    printf_like(3, 4);

void exchange_reply(struct exchange *x, int status, const char *content_type, const void *bytes,
                    size_t len);
void exchange_reply_empty(struct exchange *x, int status); /* 204, or Content-Length: 0 */
void exchange_reply_json(struct exchange *x, int status, json_t *body); /* steals body */
/* {"code":status,"message":...} with the status of err->kind. */
void exchange_reply_error(struct exchange *x, const struct error *err);
int http_status_of(enum error_kind kind);

/* A streamed response: Content-Length when `length` >= 0, else chunked. Writes are sent at once,
 * not held back. exchange_write takes a copy and returns false when the buffer is over its mark:
 * stop until `drained`. */
void exchange_begin(struct exchange *x, int status, const char *content_type, int64_t length);
/* The same with somebody else's head: its status, and nothing but the header lines in `headers`
 * (without framing) and our own framing. */
void exchange_begin_relayed(struct exchange *x, const struct http1_head *answer,
                            const struct buf *headers);
bool exchange_write(struct exchange *x, const void *bytes, size_t len);
void exchange_end(struct exchange *x);
/* Breaks the connection in the middle of a response, behind what was written of it: the only honest
 * way to say that it failed. */
void exchange_abort(struct exchange *x);
/* Sends `length` bytes of a regular file from `offset` by sendfile, after exchange_begin with that
 * length; takes fd; ends the exchange. A file that turns out shorter aborts it. */
void exchange_send_file(struct exchange *x, int fd, int64_t offset, int64_t length);

/* Leaves HTTP before any answer: the socket (non-blocking) is the caller's, with what was read
 * behind the head in `rest` (freed by the caller). The exchange ends with closed(false). -1 if an
 * answer has begun, or an earlier one is not sent yet: then the exchange goes on. */
int exchange_take_over(struct exchange *x, char **rest, size_t *rest_len);

#endif
