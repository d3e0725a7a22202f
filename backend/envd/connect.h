/* SPDX-License-Identifier: Apache-2.0
 *
 * The Connect protocol (JSON only) for the services of a sandbox: reads the request, checks the
 * access token, and carries replies, streams and errors. A unary error is an HTTP status with a
 * body; a stream's error travels in its last envelope with HTTP 200, as the clients want it.
 *
 * A `struct connect_call` is counted: the exchange holds it, and whoever waits for an answer from
 * elsewhere takes connect_hold until that came. When the peer has left, replies fall on the floor.
 */
#ifndef E2B_ENVD_CONNECT_H
#define E2B_ENVD_CONNECT_H

#include "backend/core/sandbox.h"
#include "backend/http/route.h"
#include "common/connect.h"

enum connect_kind {
    CONNECT_UNARY,
    CONNECT_STREAM,        /* one message in, a stream out */
    CONNECT_CLIENT_STREAM, /* a stream in, one message out */
};

enum connect_code {
    CONNECT_OK,
    CONNECT_CANCELED,
    CONNECT_UNKNOWN,
    CONNECT_INVALID_ARGUMENT,
    CONNECT_DEADLINE_EXCEEDED,
    CONNECT_NOT_FOUND,
    CONNECT_ALREADY_EXISTS,
    CONNECT_PERMISSION_DENIED,
    CONNECT_RESOURCE_EXHAUSTED,
    CONNECT_FAILED_PRECONDITION,
    CONNECT_ABORTED,
    CONNECT_OUT_OF_RANGE,
    CONNECT_UNIMPLEMENTED,
    CONNECT_INTERNAL,
    CONNECT_UNAVAILABLE,
    CONNECT_UNAUTHENTICATED,
};

struct connect_call;
typedef void (*connect_method)(struct connect_call *call);

struct connect_call {
    /* During the method only: the sandbox may be gone and the request is released afterwards. */
    struct sandbox *sandbox;
    json_t *request;    /* an object */
    char *user;         /* of the Authorization header; NULL: the default */
    int64_t timeout_ms; /* Connect-Timeout-Ms; 0: none */

    /* Set by the method. `closed` comes once, last, also after a finished reply. */
    void (*drained)(struct connect_call *call); /* a stream has room again */
    void (*closed)(struct connect_call *call);
    void (*finished)(struct connect_call *call); /* client stream: the last message was given */
    void *ctx;

    struct connect_state *state; /* connect.c's own */
};

/* A row's handler is nothing but this. `method` runs when the (first) message has arrived; for a
 * client stream it runs for each message, the next one only after connect_next. */
void connect_serve(struct call *call, enum connect_kind kind, connect_method method);
struct connect_call *connect_hold(struct connect_call *call);
void connect_release(struct connect_call *call);
/* False once the peer has left or the answer is complete. */
bool connect_is_open(const struct connect_call *call);

/* Unary and client streams; steals body. */
void connect_reply(struct connect_call *call, json_t *body);
/* Any kind: ends the call with an error. A stream that has begun is broken off by
 * CONNECT_UNAVAILABLE. */
void connect_fail(struct connect_call *call, enum connect_code code, const char *format, ...)
    printf_like(3, 4);
void connect_fail_error(struct connect_call *call, const struct error *err);

/* Streams. Sending returns false when the peer is slow: stop until `drained`. */
bool connect_send(struct connect_call *call, json_t *message); /* steals */
/* `envelope` has CONNECT_HEAD bytes of room in front of `len` bytes of JSON; they are filled in. */
bool connect_send_raw(struct connect_call *call, char *envelope, size_t len);
void connect_end(struct connect_call *call);
/* Sends `message` (JSON text, static) whenever nothing was sent for as long as the client's
 * Keepalive-Ping-Interval says. */
void connect_keep_alive(struct connect_call *call, const char *message);
/* Ends the call with deadline_exceeded when its Connect-Timeout-Ms is over. */
void connect_deadline(struct connect_call *call);
/* Client stream: ready for the next message. */
void connect_next(struct connect_call *call);

#endif
