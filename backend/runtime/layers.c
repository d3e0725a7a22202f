/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers as descriptors for a new sandbox. Root hands over detached mounts, because the mapped root
 * can walk no path to them; the host's own /usr among them with its ids mapped, so that it belongs
 * to the sandbox's root. An ordinary user hands over plain descriptors.
 */
#include "backend/runtime/internal.h"
#include "backend/agent/sys.h"

#include <errno.h>
#include <string.h>

#define HOST_USR "/usr"

static bool map_ids(int tree, int userns) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};
    return syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) ==
           0;
}

int runtime_hand_over(struct runtime *rt, int dir, bool idmapped, struct error *err) {
    if (!rt->holder.is_root)
        return dir;
    int tree = sys_open_tree(dir, "");
    close(dir);
    if (tree >= 0 && (!idmapped || map_ids(tree, rt->holder.userns)))
        return tree;
    error_errno(err, errno, "cannot make a mount for a sandbox");
    close_fd(&tree);
    return -1;
}

int runtime_open_layer(struct runtime *rt, const char *name, struct error *err) {
    const bool is_usr = strcmp(name, HOST_USR) == 0;
    if (name[0] == '/' && !is_usr) {
        error_set(err, ERR_INVALID, "'%s' is no layer", name);
        return -1;
    }
    int dir = openat(rt->dirs.state, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0) {
        error_errno(err, errno, "cannot open the layer %s", name);
        return -1;
    }
    return runtime_hand_over(rt, dir, is_usr, err);
}
