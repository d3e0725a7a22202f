/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts the local backend when nobody answers on its socket: lock, connect once more, fork, and
 * wait for its word on a socket pair. Two hundred callers at once start one daemon; the text of a
 * daemon that cannot start reaches the one who started it, and those who waited for him.
 */
#ifndef E2B_CLIENT_SPAWN_H
#define E2B_CLIENT_SPAWN_H

#include "common/error.h"
#include "common/paths.h"

/* A connected stream socket, or -1. `may_start` false: ERR_UNAVAILABLE if none runs. `progress`
 * (may be NULL) gets a line when the start takes longer, e.g. building the base for the first time.
 */
int spawn_connect(const struct paths *paths, bool may_start, void (*progress)(const char *line),
                  struct error *err);

/* What the daemon writes to descriptor 3 while it starts, one line each: "progress TEXT", then
 * "ready" or "error TEXT\thint TEXT". */

#endif
