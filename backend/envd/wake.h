/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests for a sandbox that does not run now. Where its owner wants that, the first resumes it
 * and all wait for that one resume; others hear what keeps it from answering.
 */
#ifndef E2B_ENVD_WAKE_H
#define E2B_ENVD_WAKE_H

#include "backend/core/sandbox.h"
#include "backend/http/server.h"

/* `serve` is called for one that runs, maybe from within the call; else the exchange is answered.
 */
typedef void (*wake_serve)(struct sandbox *sandbox, unsigned port, struct exchange *x);
void wake(struct core *core, const char *id, unsigned port, struct exchange *x, wake_serve serve);

#endif
