/* SPDX-License-Identifier: Apache-2.0
 *
 * Also compiled into the packing module.
 */
#include "cli/pack/tree.h"
#include "common/within.h"

#include <errno.h>
#include <fcntl.h>

/* Kernels before 5.6, and filters that do not know the call, have no openat2: a link that leads out
 * of the context is then followed, as the official clients do. */
int tree_open(int context, const char *path, int flags) {
    static bool is_missing;
    if (!is_missing) {
        int fd = open_within(context, path, flags, RESOLVE_BENEATH);
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
            return fd;
        is_missing = errno == ENOSYS;
    }
    return openat(context, *path ? path : ".", flags | O_CLOEXEC);
}
