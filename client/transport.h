/* SPDX-License-Identifier: Apache-2.0
 *
 * What client/ asks of a way to a server: one primitive, a transfer (a request and its answer,
 * whose body arrives piece by piece), of which unary calls and streams are both made. Two kinds
 * exist: the Unix socket (http_local.c) and libcurl (remote.c, a module). Internal to client/.
 */
#ifndef E2B_CLIENT_TRANSPORT_H
#define E2B_CLIENT_TRANSPORT_H

#include "client/client.h"
#include "common/buf.h"

enum {
    TRANSFER_MAX_BODY = 64 << 20, /* of an answer that waits in memory for its reader */
    TRANSFER_VALUE = 1024,        /* room for one header value */
};

struct transport_request {
    const char *method;
    const char *url;            /* remote: absolute; local: path and query */
    const char *const *headers; /* "Name: value", NULL-terminated */
    const void *body;           /* NULL: none; copied or sent before `begin` returns */
    size_t body_len;
    const struct upload *upload; /* instead of a body: outlives the transfer; NULL: none */
};

/* Embedded at the start of each transport's own transfer. */
struct transfer {
    const struct transport *transport;
    int status;      /* 0 until the head has arrived */
    struct buf body; /* what has arrived of it; the reader consumes */
    bool done;       /* the answer is complete */
    bool unread;     /* it failed, and surely before the server read the request */
    char next_token[TRANSFER_VALUE], total_running[TRANSFER_VALUE], retry_after[TRANSFER_VALUE];
};

struct transport {
    /* The state of the transport for one client; `target` outlives it. */
    void *(*open)(const struct target *target, bool may_start, struct error *err);
    void (*close)(void *self);
    struct transfer *(*begin)(void *self, const struct transport_request *request,
                              struct error *err);
    /* Takes in what has arrived; never blocks. */
    bool (*pump)(struct transfer *transfer, struct error *err);
    int (*fd)(const struct transfer *transfer); /* readable when pump may have something to do */
    void (*end)(struct transfer *transfer);     /* at any time; frees it */
};

/* Keeps the value if the header is one that callers look at. */
void transfer_header(struct transfer *transfer, const char *name, size_t name_len,
                     const char *value, size_t value_len);

extern const struct transport transport_local;

/* The one symbol of e2b-remote.so. */
#define TRANSPORT_REMOTE_SYMBOL "e2b_transport_remote"
extern const struct transport e2b_transport_remote;

#endif
