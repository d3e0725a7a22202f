/* SPDX-License-Identifier: Apache-2.0
 *
 * What a state directory gathers: base templates of a host that has changed since, and trash that
 * could not be removed when it was its turn.
 */
#include "backend/runtime/internal.h"
#include "common/ids.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static DIR *open_stream(int at, const char *name) {
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream && fd >= 0)
        close(fd);
    return stream;
}

/* Into the trash as rw/ of an entry, which is how that is emptied. */
static bool discard(struct runtime *rt, int bases, const char *key) {
    uint32_t random;
    char entry[48], target[64];
    ids_random(&random, sizeof(random));
    snprintf(entry, sizeof(entry), "base-%.16s-%08x", key, random);
    snprintf(target, sizeof(target), "%s/rw", entry);
    return mkdirat(rt->dirs.trash, entry, 0700) == 0 &&
           renameat(bases, key, rt->dirs.trash, target) == 0;
}

static unsigned old_bases(struct runtime *rt, bool remove) {
    unsigned count = 0;
    const char *current = strchr(rt->base.root, '/') + 1; /* "base/KEY/root" */
    const size_t len = strcspn(current, "/");
    DIR *stream = open_stream(rt->dirs.state, "base");
    for (struct dirent *e; stream && (e = readdir(stream));)
        if (e->d_name[0] != '.' &&
            (strlen(e->d_name) != len || memcmp(e->d_name, current, len) != 0))
            count += !remove || discard(rt, dirfd(stream), e->d_name);
    if (stream)
        closedir(stream);
    return count;
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

void runtime_collect(struct runtime *rt, bool bases_too, bool dry_run,
                     struct runtime_garbage *found) {
    found->bases = bases_too ? old_bases(rt, !dry_run) : 0;
    found->trash = stuck_trash(rt, !dry_run);
    if (!dry_run)
        sandbox_dirs_empty(&rt->dirs);
}
