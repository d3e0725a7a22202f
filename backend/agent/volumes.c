/* SPDX-License-Identifier: Apache-2.0
 *
 * The volumes of a sandbox: directories of its holder, mounted where the plan says. What a program
 * leaves in one must not be worth more there than in the sandbox's own root: no set-user-id, no
 * devices.
 */
#include "backend/agent/setup.h"
#include "backend/agent/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

int setup_take_volumes(struct setup *s) {
    if (s->plan->flags & ZYGOTE_DETACHED)
        return 0;
    for (size_t i = 0; i < s->plan->mount_count; i++) {
        s->what = s->plan->mounts[i];
        int error = setup_reopen(&s->volumes[i]);
        int tree = error ? -1 : sys_open_tree(s->volumes[i], "");
        if (tree < 0)
            return error ? error : errno;
        close(s->volumes[i]);
        s->volumes[i] = tree;
    }
    return 0;
}

/* The directory at `path` and those above it. */
static int make_dirs(const char *path) {
    char part[AGENT_MOUNT];
    for (size_t len = 1;; len++) {
        len += strcspn(path + len, "/");
        memcpy(part, path, len);
        part[len] = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return errno;
        if (!path[len])
            return 0;
    }
}

int setup_volumes(struct setup *s) {
    for (size_t i = 0; i < s->plan->mount_count; i++) {
        const char *target = s->plan->mounts[i];
        s->what = target;
        int error = make_dirs(target);
        if (error)
            return error;
        if (sys_move_mount(s->volumes[i], target) < 0 ||
            sys_restrict_mount(target, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV) < 0)
            return errno;
        close(s->volumes[i]);
    }
    return 0;
}
