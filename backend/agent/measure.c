/* SPDX-License-Identifier: Apache-2.0
 *
 * See measure.h. One descriptor a level, and no way up but closing it, so that a directory that is
 * moved meanwhile leads nowhere.
 */
#include "backend/agent/measure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LEVELS = 256 };

static DIR *open_level(int at, const char *name) {
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream && fd >= 0)
        close(fd);
    return stream;
}

static bool is_self_or_parent(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

bool measure_tree(int dir, int64_t *bytes) {
    DIR *levels[MAX_LEVELS];
    size_t depth = 0;
    bool too_deep = false;
    levels[0] = open_level(dir, ".");
    if (!levels[0])
        return false;
    for (;;) {
        struct stat st;
        struct dirent *entry = readdir(levels[depth]);
        if (!entry) {
            closedir(levels[depth]);
            if (depth-- == 0)
                break;
            continue;
        }
        int here = dirfd(levels[depth]);
        if (is_self_or_parent(entry->d_name) ||
            fstatat(here, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        *bytes += (int64_t)st.st_blocks * 512;
        if (!S_ISDIR(st.st_mode))
            continue;
        DIR *next = depth + 1 < MAX_LEVELS ? open_level(here, entry->d_name) : NULL;
        if (next)
            levels[++depth] = next;
        else
            too_deep |= depth + 1 == MAX_LEVELS;
    }
    errno = ELOOP;
    return !too_deep;
}
