/* SPDX-License-Identifier: Apache-2.0
 *
 * Where on this host groups can be made, found out once: the hierarchies that are mounted, the
 * parent directory in each, and what each can do. Used by cgroup.c alone.
 */
#ifndef E2B_RUNTIME_CGROUP_TREE_H
#define E2B_RUNTIME_CGROUP_TREE_H

#include "common/util.h"

enum cgroup_ability {
    CGROUP_V2 = 1, /* freeze, kill and CPU time come with the hierarchy itself */
    CGROUP_MEMORY = 2,
    CGROUP_PIDS = 4,
    CGROUP_CPU = 8,
    CGROUP_CPUACCT = 16,
    CGROUP_FREEZER = 32,
};

enum {
    CGROUP_PATH = 1024,
    CGROUP_LEAF_PATH = CGROUP_PATH + 16,
    CGROUP_MAX_HIERARCHIES = 6,
    CGROUP_NAME = 32
};

struct cgroup_hierarchy {
    char mount[CGROUP_PATH];
    char root[CGROUP_PATH];   /* what of the hierarchy is mounted there */
    char parent[CGROUP_PATH]; /* ours, below it */
    unsigned has;             /* enum cgroup_ability */
};

struct cgroup_tree {
    struct cgroup_hierarchy at[CGROUP_MAX_HIERARCHIES];
    size_t count;
    char why[256]; /* why there is none, or not all; "" if nothing went wrong */
};

/* `name` is that of the parent groups. */
void cgroup_tree_make(struct cgroup_tree *tree, const char *name);
/* The directory of the group that /proc/PID/cgroup names for this hierarchy; "" if unknown. */
void cgroup_tree_locate(const struct cgroup_hierarchy *h, const char *proc_cgroup,
                        char path[static CGROUP_PATH]);

/* The group below our parent group in which the daemon, or what it starts, may live: its name is
 * no sandbox's. Returns `path`. */
const char *cgroup_tree_leaf(const struct cgroup_hierarchy *h, char path[static CGROUP_LEAF_PATH]);

/* One small file of a group; errno on failure. get: NUL-terminated, cut at `size`. */
bool cgroup_put(const char *dir, const char *file, const char *text);
bool cgroup_get(const char *dir, const char *file, char *text, size_t size);

#endif
