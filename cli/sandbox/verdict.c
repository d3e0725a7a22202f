/* SPDX-License-Identifier: Apache-2.0
 *
 * Two customs: scripts written for the official command line expect 255, shells 128 + N.
 */
#include "cli/sandbox/verdict.h"

#include <signal.h>
#include <stdio.h>

enum { BY_SIGNAL = 128, UNKNOWN_SIGNAL = 255 };

/* The status of what happened on our side; -1 if nothing did. */
static int our_side(const struct attach_end *end) {
    if (end->hung_up)
        return BY_SIGNAL + SIGPIPE;
    return end->interrupted ? BY_SIGNAL + end->interrupted : -1;
}

int verdict_official(const struct attach_end *end) {
    int status = our_side(end);
    if (status >= 0)
        return status;
    if (end->undelivered)
        fputs("e2b: Remote command exited before stdin could be delivered.\n", stderr);
    if (end->reason[0])
        fprintf(stderr, "%s\n", end->reason);
    return end->exit_code & 255;
}

int verdict_shell(const struct attach_end *end) {
    int status = our_side(end);
    if (status >= 0)
        return status;
    if (end->exit_code >= 0)
        return end->exit_code & 255;
    return end->number ? BY_SIGNAL + end->number : UNKNOWN_SIGNAL;
}
