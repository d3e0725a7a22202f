/* SPDX-License-Identifier: Apache-2.0
 *
 * A whiteout hides what lower layers have, wherever it stands in its own: so what this layer made
 * has to be known. By inode, since the same directory may be called by two names.
 */
#include "backend/unpack/unpack.h"
#include "common/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { FIRST_ROOM = 1024 };

/* Where it is, or would be. */
static uint64_t *slot_of(const struct made *made, uint64_t inode) {
    size_t at = (size_t)(inode * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (made->room - 1);
    while (made->inodes[at] && made->inodes[at] != inode)
        at = (at + 1) & (made->room - 1);
    return &made->inodes[at];
}

static bool is_made(const struct made *made, uint64_t inode) {
    return made->room && *slot_of(made, inode);
}

static bool grow(struct made *made) {
    struct made more = {.room = made->room ? 2 * made->room : FIRST_ROOM, .count = made->count};
    more.inodes = calloc(more.room, sizeof(*more.inodes));
    if (!more.inodes)
        return false;
    for (size_t i = 0; i < made->room; i++)
        if (made->inodes[i])
            *slot_of(&more, made->inodes[i]) = made->inodes[i];
    free(made->inodes);
    *made = more;
    return true;
}

static bool insert(struct made *made, uint64_t inode) {
    if (2 * made->count >= made->room && !grow(made))
        return false;
    uint64_t *slot = slot_of(made, inode);
    made->count += !*slot;
    *slot = inode;
    return true;
}

/* Up to the root, or to one that is known with all above it. */
static bool insert_way(struct made *made, int root, int dir) {
    struct stat top, st;
    int at = dir;
    bool ok = fstat(root, &top) == 0;
    while (ok && (ok = fstat(at, &st) == 0) && st.st_ino != top.st_ino &&
           !is_made(made, st.st_ino) && (ok = insert(made, st.st_ino))) {
        int above = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (at != dir)
            close(at);
        at = above;
        ok = at >= 0;
    }
    if (at != dir)
        close_fd(&at);
    return ok;
}

bool made_add(struct made *made, int root, int dir, const char *name) {
    struct stat st;
    if (made->is_off)
        return true;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT; /* of a kind that is left out */
    return insert_way(made, root, dir) && insert(made, st.st_ino);
}

bool made_hide_below(const struct made *made, int dir) {
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    bool ok = stream != NULL;
    for (struct dirent *e; ok && (e = readdir(stream));)
        ok = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
             made_hide(made, dir, e->d_name);
    if (stream)
        closedir(stream);
    return ok;
}

bool made_hide(const struct made *made, int dir, const char *name) {
    struct stat st;
    if (made->is_off)
        return true;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT;
    if (!is_made(made, st.st_ino))
        return tree_remove(dir, name);
    if (!S_ISDIR(st.st_mode))
        return true;
    cleanup_close int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return below >= 0 && made_hide_below(made, below);
}
