/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/agent/network.h"

#include "common/routes.h"

#include <errno.h>
#include <sched.h>

int network_configure(int pidfd, const char *const *commands, size_t count) {
    if (setns(pidfd, CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return errno;
    return routes_set(commands, count);
}
