/* SPDX-License-Identifier: Apache-2.0
 *
 * A small web server for deliveries, on the loopback interface: whole requests in, a status out,
 * one after the other. Ends on SIGINT, SIGTERM and SIGHUP, which are blocked from its opening on.
 */
#ifndef E2B_CLI_WEBHOOK_RECEIVER_H
#define E2B_CLI_WEBHOOK_RECEIVER_H

#include "common/error.h"
#include "common/http1.h"

enum { RECEIVER_CONNECTIONS = 32 };

struct receiver_connection;

struct receiver {
    int listening, signals;
    unsigned port;
    struct receiver_connection *connections[RECEIVER_CONNECTIONS];
    /* The status to answer with; 0: none, the connection ends. */
    int (*take)(void *ctx, const struct http1_head *head, const char *body, size_t len);
    void *ctx;
};

bool receiver_open(struct receiver *receiver, unsigned port, struct error *err);
/* Until a signal comes. */
bool receiver_run(struct receiver *receiver, struct error *err);
void receiver_close(struct receiver *receiver);

#endif
