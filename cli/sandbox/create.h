/* SPDX-License-Identifier: Apache-2.0
 *
 * Making a sandbox, for the commands that do.
 */
#ifndef E2B_CLI_SANDBOX_CREATE_H
#define E2B_CLI_SANDBOX_CREATE_H

#include "cli/sandbox/handle.h"

enum { CREATE_MIN_TIMEOUT_S = 30 };

/* The body that the official command line sends. */
json_t *create_body(const char *template, int64_t timeout_s);
/* Takes `body`. An interrupt that comes meanwhile waits in interrupt_signal(), so that the caller
 * can remove what was made. */
bool create_sandbox(struct client *client, json_t *body, struct handle *handle, struct error *err);

#endif
