/* SPDX-License-Identifier: Apache-2.0
 *
 * The birth of a backend: a process of its own session, with nothing of ours but a socket pair on
 * descriptor 3 for its first words. Internal to client/.
 */
#ifndef E2B_CLIENT_LAUNCH_H
#define E2B_CLIENT_LAUNCH_H

#include "common/error.h"
#include "common/paths.h"

/* True once it said "ready". */
bool launch_daemon(const struct paths *paths, void (*progress)(const char *line),
                   struct error *err);

#endif
