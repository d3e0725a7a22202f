/* SPDX-License-Identifier: Apache-2.0
 *
 * A request under construction, and the transfer that carries it: the part that API calls and
 * sandbox calls have in common. Internal to client/.
 */
#ifndef E2B_CLIENT_REQUEST_H
#define E2B_CLIENT_REQUEST_H

#include "client/transport.h"

enum { CLIENT_TIMEOUT_MS = 60000, REQUEST_MAX_HEADERS = 12 };

struct client {
    struct target target;
    const struct transport *transport; /* NULL until the first request to a remote server */
    void *self;                        /* the transport's */
    bool may_start;
};

struct request {
    char *url;                              /* owned */
    char *headers[REQUEST_MAX_HEADERS + 1]; /* owned, NULL-terminated */
    const char *method;                     /* borrowed */
    const void *body;                       /* borrowed */
    size_t body_len;
    const struct upload *upload; /* borrowed; instead of a body */
};
void request_free(struct request *request);
#define cleanup_request cleanup(request_free)

/* False only when memory is exhausted. */
bool request_header(struct request *request, struct error *err, const char *format, ...)
    printf_like(3, 4) must_check;
bool request_url(struct request *request, struct error *err, const char *format, ...)
    printf_like(3, 4) must_check;

struct transfer *request_begin(struct client *client, const struct request *request,
                               struct error *err);
/* Begins and waits until the answer is complete; NULL after timeout_ms. */
struct transfer *request_run(struct client *client, const struct request *request,
                             int64_t timeout_ms, struct error *err);
/* Waits until a transfer is complete. */
bool request_wait(struct transfer *transfer, int64_t timeout_ms, struct error *err);
/* Or until something can be read from stop_fd, which is ERR_UNAVAILABLE; -1: it cannot. */
bool request_wait_unless(struct transfer *transfer, int64_t timeout_ms, int stop_fd,
                         struct error *err);

static inline void transfer_free(struct transfer **transfer) {
    if (*transfer)
        (*transfer)->transport->end(*transfer);
}
#define cleanup_transfer cleanup(transfer_free)

#endif
