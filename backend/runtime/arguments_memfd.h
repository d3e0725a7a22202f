/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the arguments of a spawn or a helper as the agent reads them (agent/protocol.h).
 */
#ifndef E2B_RUNTIME_ARGUMENTS_MEMFD_H
#define E2B_RUNTIME_ARGUMENTS_MEMFD_H

#include "backend/runtime/runtime.h"

/* user, cwd, tag, cmd, args and env of `spawn` (each may be NULL). -1 on failure: ERR_TOO_LARGE
 * when it is more than a program could be given. */
int arguments_memfd(const struct guest_spawn *spawn, struct error *err);

#endif
