/* SPDX-License-Identifier: Apache-2.0
 *
 * The freezer of hosts that have none: SIGSTOP to every process of a sandbox but its PID 1.
 * Programs can see it, and one that is started afterwards runs; the daemon may signal them because
 * it owns the namespace that their user namespace is in.
 */
#ifndef E2B_RUNTIME_STOP_H
#define E2B_RUNTIME_STOP_H

#include "common/error.h"

#include <sys/types.h>

/* Stops what is in the pid namespace of `pid1`, or lets it go on. */
bool stop_processes(pid_t pid1, bool stopped, struct error *err);

#endif
