/* SPDX-License-Identifier: Apache-2.0
 *
 * Standard input of a remote command: SendInput calls of at most 64 KiB, one after the other and
 * never waited for in place, because a command that does not read until its output was read would
 * otherwise stop us both; then CloseStdin.
 */
#ifndef E2B_CLI_SANDBOX_FEED_H
#define E2B_CLI_SANDBOX_FEED_H

#include "client/client.h"

struct feed {
    struct client *client;
    const struct sandbox_address *sandbox;
    const char *user;
    int64_t pid; /* of the remote process; 0 until it runs */
    int fd;      /* -1: no input, or all of it was read */
    bool tty;
    bool undelivered;            /* the process ended before it got everything */
    struct client_stream *reply; /* of the call that is under way */
};

/* Reads once and sends, if nothing is under way. Call when feed_fd is readable. */
bool feed_read(struct feed *feed, struct error *err);
/* Looks whether the call under way is answered. */
bool feed_reply(struct feed *feed, struct error *err);
/* What to poll for reading: standard input, or -1. */
int feed_fd(const struct feed *feed);
/* Nothing is left to read or to be answered. */
bool feed_done(const struct feed *feed);
void feed_free(struct feed *feed);

#endif
