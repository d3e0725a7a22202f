/* SPDX-License-Identifier: Apache-2.0 */
#include "common/within.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_RACES = 10000 };

/* EAGAIN: something was renamed or mounted on this machine while a ".." was looked at, so the
 * kernel cannot tell whether that led out. */
int open_within(int dir, const char *path, int flags, unsigned long long resolve) {
    const struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC, .resolve = resolve};
    int fd = -1;
    errno = EAGAIN;
    for (int i = 0; i < MAX_RACES && fd < 0 && errno == EAGAIN; i++)
        fd = (int)syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof(how));
    return fd;
}
