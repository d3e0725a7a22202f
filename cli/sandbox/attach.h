/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts a process in a sandbox and stands in for it until it ends: its output, its input, the
 * signals that we get, the size of the terminal. What the command gets and gives is binary.
 *
 * Signals: in a raw terminal Ctrl-C is a byte like any other. Else the first INT, TERM, HUP or QUIT
 * sends SIGTERM (SIGKILL to a process in a terminal), the second SIGKILL, and the third leaves the
 * process alone and ends us.
 */
#ifndef E2B_CLI_SANDBOX_ATTACH_H
#define E2B_CLI_SANDBOX_ATTACH_H

#include "client/client.h"

struct attach {
    struct client *client;
    const struct sandbox_address *sandbox;
    const char *user;      /* or NULL */
    const json_t *process; /* process_describe */
    bool tty;
    bool input;      /* pass standard input on */
    bool background; /* leave once it runs and has got its input */
    int64_t
        renew_s; /* not 0: keep the sandbox alive by setting its timeout to this again and again */
};

struct attach_end {
    int64_t pid;
    int exit_code;    /* -1: a signal ended it */
    int number;       /* of that signal, or 0 */
    char reason[128]; /* "exit status 3", "signal: killed"; "" for success */
    bool hung_up;     /* the reader of its output left: it was killed, nothing is to be said */
    int interrupted;  /* the signal by which we were told to leave, whatever the command does; 0 */
    bool undelivered; /* it ended before it got all of standard input */
};

/* Starts nothing where interrupt_signal() has one already; leaves with interrupt_catch() done, so
 * that the caller can clean up and still be stopped. */
bool attach_run(const struct attach *attach, struct attach_end *end, struct error *err);

/* Is there input worth passing on: a pipe, a file or a socket? */
bool attach_has_input(void);

#endif
