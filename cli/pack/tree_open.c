/* SPDX-License-Identifier: Apache-2.0
 *
 * Also compiled into the packing module.
 */
#include "cli/pack/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

/* Kernels before 5.6, and filters that do not know the call, have no openat2: a link that leads out
 * of the context is then followed, as the official clients do. */
int tree_open(int context, const char *path, int flags) {
    static bool is_missing;
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = RESOLVE_BENEATH};
    if (!*path)
        path = ".";
    if (!is_missing) {
        int fd = (int)syscall(SYS_openat2, context, path, &how, sizeof(how));
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
            return fd;
        is_missing = errno == ENOSYS;
    }
    return openat(context, path, flags | O_CLOEXEC);
}
