/* SPDX-License-Identifier: Apache-2.0
 *
 * Trash that could not be removed when it was its turn: counted, and tried again.
 */
#include "backend/runtime/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static DIR *open_stream(int at, const char *name) {
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream && fd >= 0)
        close(fd);
    return stream;
}

static unsigned stuck_trash(struct runtime *rt, bool again) {
    unsigned count = 0;
    DIR *stream = open_stream(rt->dirs.trash, ".");
    for (struct dirent *e; stream && (e = readdir(stream));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        count++;
        if (again && e->d_name[0] == '.')
            renameat(rt->dirs.trash, e->d_name, rt->dirs.trash, e->d_name + strspn(e->d_name, "."));
    }
    if (stream)
        closedir(stream);
    return count;
}

unsigned runtime_collect(struct runtime *rt, bool dry_run) {
    const unsigned found = stuck_trash(rt, !dry_run);
    if (!dry_run)
        sandbox_dirs_empty(&rt->dirs);
    return found;
}
