/* SPDX-License-Identifier: Apache-2.0
 *
 * A login shell of a sandbox in the user's terminal: what create and connect end in.
 */
#ifndef E2B_CLI_SANDBOX_SESSION_H
#define E2B_CLI_SANDBOX_SESSION_H

#include "cli/command.h"
#include "cli/sandbox/handle.h"

/* Is there a terminal? If not, says what to do instead, before anything is made. */
bool session_possible(struct error *err);
/* `where` is "sandbox" or "template NAME with sandbox ID": the id is put behind. Returns the exit
 * status of the shell or -1. renew_s as in struct attach. */
int session_run(struct invocation *in, const struct handle *handle, const char *where,
                int64_t renew_s, struct error *err);

#endif
