/* SPDX-License-Identifier: Apache-2.0
 *
 * See tree.h. What lies deeper than MAX_DEPTH is moved up into the directory that is being emptied
 * and met there by the next pass.
 */
#include "common/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 64 };

struct removal {
    int root; /* borrowed: the directory that is being emptied */
    uint32_t moved;
    int error; /* the first */
};

static void failed(struct removal *r, int error) {
    if (!r->error && error != ENOENT)
        r->error = error;
}

static void move_up(struct removal *r, int dir, const char *name) {
    char fresh[32];
    int rc;
    do {
        snprintf(fresh, sizeof(fresh), ".deep-%u", r->moved++);
        rc = renameat2(dir, name, r->root, fresh, RENAME_NOREPLACE);
    } while (rc < 0 && errno == EEXIST);
    if (rc < 0)
        failed(r, errno);
}

static void empty_dir(struct removal *r, int dir, int depth);

static void remove_entry(struct removal *r, int dir, const char *name, int depth) {
    if (unlinkat(dir, name, 0) == 0)
        return;
    if (errno != EISDIR && errno != EPERM) {
        failed(r, errno);
        return;
    }
    int why = errno;
    int child = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (child < 0) {
        failed(r, errno == ENOTDIR || errno == ELOOP ? why : errno);
        return;
    }
    if (depth == MAX_DEPTH) {
        close(child);
        move_up(r, dir, name);
        return;
    }
    empty_dir(r, child, depth + 1);
    if (unlinkat(dir, name, AT_REMOVEDIR) < 0)
        failed(r, errno);
}

/* Takes `dir`. */
static void empty_dir(struct removal *r, int dir, int depth) {
    DIR *stream = fdopendir(dir);
    if (!stream) {
        failed(r, errno);
        close(dir);
        return;
    }
    for (struct dirent *e; (e = readdir(stream));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove_entry(r, dir, e->d_name, depth);
    closedir(stream);
}

bool tree_empty(int dir) {
    struct removal r = {.root = dir};
    uint32_t before;
    do {
        before = r.moved;
        int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (again < 0)
            return false;
        empty_dir(&r, again, 0);
    } while (r.moved != before);
    errno = r.error;
    return !r.error;
}

bool tree_remove(int at, const char *name) {
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return false;
    int dir = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return errno == ENOENT;
    bool ok = tree_empty(dir);
    int error = errno;
    close(dir);
    if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return true;
    if (!ok)
        errno = error;
    return false;
}
