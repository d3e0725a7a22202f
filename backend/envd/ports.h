/* SPDX-License-Identifier: Apache-2.0
 *
 * The way from outside to a port that a program in a sandbox listens on.
 */
#ifndef E2B_ENVD_PORTS_H
#define E2B_ENVD_PORTS_H

#include "backend/core/sandbox.h"
#include "backend/http/server.h"

/* Carries the exchange to the port and the answer back; says 502 when nothing listens there. */
void ports_serve(struct sandbox *sandbox, unsigned port, struct exchange *x);
/* What is answered for a sandbox that is not there; every client knows it by this. */
void ports_reply_no_sandbox(struct exchange *x, const char *id);

#endif
