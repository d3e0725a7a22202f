/* SPDX-License-Identifier: Apache-2.0
 *
 * The API of one sandbox ("envd", port 49983), as the daemon sees it. In every row of these tables
 * call->ctx is the `struct sandbox` that the request was routed to. The sandbox may end while a
 * handler waits for something: keep its id, not the pointer.
 */
#ifndef E2B_ENVD_ENVD_H
#define E2B_ENVD_ENVD_H

#include "backend/core/sandbox.h"
#include "backend/http/route.h"

#define ENVD_VERSION "0.6.13"
enum { ENVD_PORT = 49983 };

extern const struct route envd_process_routes[];
extern const struct route envd_health_routes[];
extern const struct route envd_filesystem_routes[];
extern const struct route envd_watch_routes[];
extern const struct route envd_files_routes[];

/* Answers any request to the sandbox's own API. */
void envd_serve(struct sandbox *sandbox, struct exchange *x);
/* Does the request carry the token of a secured sandbox? If not, 401 was answered. Every handler
 * that is not open to all asks this first (connect_serve does). */
bool envd_authorize(const struct sandbox *sandbox, struct exchange *x);

#endif
