/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a place for groups. As root that is the top of what is mounted, which is the same for
 * every daemon that comes; as a plain user a scope of his systemd, or the topmost group that was
 * delegated to him.
 */
#include "backend/runtime/cgroup_tree.h"

#include "backend/runtime/cgroup_scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *name;
    unsigned bit;
} controllers[] = {
    {"memory", CGROUP_MEMORY},   {"pids", CGROUP_PIDS},       {"cpu", CGROUP_CPU},
    {"cpuacct", CGROUP_CPUACCT}, {"freezer", CGROUP_FREEZER},
};

bool cgroup_put(const char *dir, const char *file, const char *text) {
    char path[CGROUP_PATH + 64];
    snprintf(path, sizeof(path), "%s/%s", dir, file);
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) >= 0;
}

bool cgroup_get(const char *dir, const char *file, char *text, size_t size) {
    char path[CGROUP_PATH + 64];
    snprintf(path, sizeof(path), "%s/%s", dir, file);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    text[MAX(n, 0)] = '\0';
    return n >= 0;
}

/* The controllers named in `text`, whatever stands between the names. */
static unsigned abilities_in(const char *text) {
    unsigned has = 0;
    while (*text) {
        size_t len = strcspn(text, ", \n");
        for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
            if (strlen(controllers[i].name) == len && !memcmp(controllers[i].name, text, len))
                has |= controllers[i].bit;
        text += len + strspn(text + len, ", \n");
    }
    return has;
}

static void complain(struct cgroup_tree *tree, const char *what, const char *path) {
    if (!tree->why[0])
        snprintf(tree->why, sizeof(tree->why), "%s %.180s: %s", what, path, strerror(errno));
}

/* One line of mountinfo: "... root mountpoint options [optional...] - type source options". */
static void add_mount(struct cgroup_tree *tree, char *line) {
    struct cgroup_hierarchy h = {0};
    char type[32], options[512];
    const char *tail = strstr(line, " - ");
    if (!tail || tree->count == CGROUP_MAX_HIERARCHIES ||
        sscanf(tail + 3, "%31s %*s %511s", type, options) != 2 ||
        sscanf(line, "%*s %*s %*s %1023s %1023s", h.root, h.mount) != 2)
        return;
    if (!strcmp(type, "cgroup2"))
        h.has = CGROUP_V2;
    else if (!strcmp(type, "cgroup"))
        h.has = abilities_in(options);
    if (!h.has)
        return;
    for (size_t i = 0; i < tree->count; i++)
        if (tree->at[i].has == h.has) /* mounted a second time */
            return;
    tree->at[tree->count++] = h;
}

static void find_mounts(struct cgroup_tree *tree) {
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file)
        return;
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, file) > 0)
        add_mount(tree, line);
    free(line);
    fclose(file);
}

/* Does a line "number:controllers:path" speak of this hierarchy? */
static bool line_is_of(const struct cgroup_hierarchy *h, const char *line, size_t len) {
    const char *first = memchr(line, ':', len);
    const char *second = first ? memchr(first + 1, ':', len - (size_t)(first + 1 - line)) : NULL;
    if (!second)
        return false;
    if (h->has & CGROUP_V2)
        return second == first + 1;
    char names[256];
    snprintf(names, sizeof(names), "%.*s", (int)(second - first - 1), first + 1);
    return abilities_in(names) == h->has;
}

void cgroup_tree_locate(const struct cgroup_hierarchy *h, const char *proc_cgroup,
                        char path[static CGROUP_PATH]) {
    path[0] = '\0';
    for (const char *line = proc_cgroup; *line;) {
        size_t len = strcspn(line, "\n");
        if (line_is_of(h, line, len)) {
            const char *group = memchr(line, '/', len);
            size_t root = strcmp(h->root, "/") ? strlen(h->root) : 0;
            /* a group outside what we see mounted, or outside our cgroup namespace */
            if (!group || strncmp(group, h->root, root) != 0 || memmem(group, len, "/..", 3))
                return;
            const char *below = group + root;
            if (snprintf(path, CGROUP_PATH, "%s%.*s", h->mount, (int)(line + len - below), below) >=
                CGROUP_PATH)
                path[0] = '\0';
            size_t end = strlen(path);
            if (end && path[end - 1] == '/')
                path[end - 1] = '\0';
            return;
        }
        line += len + (line[len] == '\n');
    }
}

static void locate_self(const struct cgroup_hierarchy *h, char path[static CGROUP_PATH]) {
    char text[8192];
    path[0] = '\0';
    if (cgroup_get("/proc/self", "cgroup", text, sizeof(text)))
        cgroup_tree_locate(h, text, path);
}

static bool is_ours(const char *group) {
    char procs[CGROUP_PATH + 64];
    snprintf(procs, sizeof(procs), "%s/cgroup.procs", group);
    return group[0] && access(group, W_OK) == 0 && access(procs, W_OK) == 0;
}

/* Only a group without other processes in it can hand its controllers on. */
static bool is_ours_alone(const char *group) {
    char procs[256], self[16];
    snprintf(self, sizeof(self), "%d\n", (int)getpid());
    return is_ours(group) && cgroup_get(group, "cgroup.procs", procs, sizeof(procs)) &&
           !strcmp(procs, self);
}

static void climb(const struct cgroup_hierarchy *h, char base[static CGROUP_PATH]) {
    while (strlen(base) > strlen(h->mount)) {
        char above[CGROUP_PATH];
        snprintf(above, sizeof(above), "%s", base);
        *strrchr(above, '/') = '\0';
        if (!is_ours(above))
            return;
        snprintf(base, CGROUP_PATH, "%s", above);
    }
}

/* Where in v2 our parent group may be made. A plain user's: a scope that holds nobody but us, made
 * if need be; else the topmost group that is his. */
static void find_v2_base(const struct cgroup_hierarchy *h, const char *name,
                         char base[static CGROUP_PATH]) {
    if (geteuid() == 0) {
        snprintf(base, CGROUP_PATH, "%s", h->mount);
        return;
    }
    locate_self(h, base);
    if (is_ours_alone(base))
        return;
    cgroup_scope_enter(name);
    locate_self(h, base);
    if (!is_ours_alone(base))
        climb(h, base);
}

static void enable_controllers(const char *group) {
    static const char *const wanted[] = {"+memory", "+pids", "+cpu"};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        cgroup_put(group, "cgroup.subtree_control", wanted[i]); /* read back by the caller */
}

const char *cgroup_tree_leaf(const struct cgroup_hierarchy *h, char path[static CGROUP_LEAF_PATH]) {
    snprintf(path, CGROUP_LEAF_PATH, "%s/daemon", h->parent);
    return path;
}

/* A group with processes in it cannot hand controllers to its children, and to move a process one
 * needs rights over the nearest group above both: so we go into a leaf of our own tree. */
static void move_into_leaf(struct cgroup_tree *tree, const struct cgroup_hierarchy *h) {
    char leaf[CGROUP_LEAF_PATH];
    if ((mkdir(cgroup_tree_leaf(h, leaf), 0755) < 0 && errno != EEXIST) ||
        !cgroup_put(leaf, "cgroup.procs", "0"))
        complain(tree, "cannot move into", leaf);
}

static bool make_parent(struct cgroup_tree *tree, struct cgroup_hierarchy *h, const char *base,
                        const char *name) {
    if (snprintf(h->parent, sizeof(h->parent), "%s/%s", base, name) >= CGROUP_PATH)
        return false;
    if (mkdir(h->parent, 0755) == 0 || errno == EEXIST)
        return true;
    complain(tree, "cannot make", h->parent);
    return false;
}

static unsigned enabled_in(const char *group) {
    char text[512];
    return cgroup_get(group, "cgroup.subtree_control", text, sizeof(text)) ? abilities_in(text) : 0;
}

static bool make_v2(struct cgroup_tree *tree, struct cgroup_hierarchy *h, const char *name) {
    char base[CGROUP_PATH], own[CGROUP_PATH], text[512];
    find_v2_base(h, name, base);
    locate_self(h, own);
    if (!base[0] || !make_parent(tree, h, base, name))
        return false;
    bool pure = cgroup_get(base, "cgroup.controllers", text, sizeof(text)) && abilities_in(text);
    enable_controllers(base);
    /* root of a container: the top group holds processes, us among them */
    if (geteuid() != 0 || (pure && !strcmp(base, own) && !enabled_in(base)))
        move_into_leaf(tree, h);
    enable_controllers(base);
    enable_controllers(h->parent);
    h->has |= enabled_in(h->parent);
    return true;
}

void cgroup_tree_make(struct cgroup_tree *tree, const char *name) {
    struct cgroup_hierarchy v2 = {0};
    memset(tree, 0, sizeof(*tree));
    find_mounts(tree);
    for (size_t i = 0; i < tree->count; i++)
        if ((tree->at[i].has & CGROUP_V2) && make_v2(tree, &tree->at[i], name))
            v2 = tree->at[i];
    size_t kept = 0;
    for (size_t i = 0; i < tree->count; i++) {
        struct cgroup_hierarchy *h = &tree->at[i];
        unsigned covered = v2.has ? v2.has | CGROUP_FREEZER | CGROUP_CPUACCT : 0;
        if (!(h->has & CGROUP_V2) && (h->has & ~covered) && make_parent(tree, h, h->mount, name))
            tree->at[kept++] = *h;
    }
    if (v2.has && kept < CGROUP_MAX_HIERARCHIES)
        tree->at[kept++] = v2;
    tree->count = kept;
    if (!kept && !tree->why[0])
        snprintf(tree->why, sizeof(tree->why), "no control groups are mounted here");
}
