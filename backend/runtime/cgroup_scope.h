/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the user's systemd for a delegated scope with this process in it. An ordinary user's session
 * is owned by the system; only systemd can move a process from there to where he may make groups.
 */
#ifndef E2B_RUNTIME_CGROUP_SCOPE_H
#define E2B_RUNTIME_CGROUP_SCOPE_H

#include "common/util.h"

/* Blocks for at most about a second. False when no systemd of the user answers. */
bool cgroup_scope_enter(const char *name);

#endif
