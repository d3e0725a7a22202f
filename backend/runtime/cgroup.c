/* SPDX-License-Identifier: Apache-2.0
 *
 * The groups of one sandbox: a directory in each hierarchy that keeps a promise. Holds names, not
 * descriptors: thousands of sandboxes times five would meet the limit of open files.
 */
#include "backend/runtime/cgroup.h"

#include "backend/runtime/cgroup_tree.h"
#include "common/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    NONE = -1,
    CPU_PERIOD_US = 100000,
    FREEZE_SPIN_US = 1000,
    FREEZE_WAIT_MS = 20,
    REMOVE_TRIES = 20,
};

struct cgroups {
    struct cgroup_tree tree;
    struct cgroup_facts facts;
    /* which hierarchy keeps what: index into tree.at, or NONE */
    int memory, pids, cpu, freezer, usage, v2;
    uid_t maker; /* of processes in them, if that is not us */
};

struct cgroup {
    const struct cgroups *cgs;
    char *path[CGROUP_MAX_HIERARCHIES]; /* by hierarchy; NULL: no group there */
};

/* ---- what the host gives --------------------------------------------------------------------- */

/* v2 first where both can: its limits hold for everything below without more ado. */
static int keeper_of(const struct cgroup_tree *tree, unsigned ability) {
    int found = NONE;
    for (size_t i = 0; i < tree->count; i++)
        if ((tree->at[i].has & ability) && (found == NONE || (tree->at[i].has & CGROUP_V2)))
            found = (int)i;
    return found;
}

static bool is_v2(const struct cgroups *cgs, int keeper) {
    return keeper != NONE && (cgs->tree.at[keeper].has & CGROUP_V2);
}

static struct runtime_mechanism describe(const struct cgroups *cgs, int keeper, const char *v2,
                                         const char *v1) {
    struct runtime_mechanism how = {NULL, NULL};
    if (keeper != NONE)
        how.mechanism = is_v2(cgs, keeper) ? v2 : v1;
    else
        how.why = cgs->tree.why[0] ? cgs->tree.why : "the controller is not delegated to this user";
    return how;
}

static void choose_keepers(struct cgroups *cgs) {
    const struct cgroup_tree *tree = &cgs->tree;
    cgs->memory = keeper_of(tree, CGROUP_MEMORY);
    cgs->pids = keeper_of(tree, CGROUP_PIDS);
    cgs->cpu = keeper_of(tree, CGROUP_CPU);
    cgs->freezer = keeper_of(tree, CGROUP_V2 | CGROUP_FREEZER);
    cgs->usage = keeper_of(tree, CGROUP_V2 | CGROUP_CPUACCT);
    cgs->v2 = keeper_of(tree, CGROUP_V2);
    cgs->facts = (struct cgroup_facts){
        .memory = describe(cgs, cgs->memory, "cgroup v2 memory.max", "cgroup v1 memory"),
        .processes = describe(cgs, cgs->pids, "cgroup v2 pids.max", "cgroup v1 pids"),
        .cpu = describe(cgs, cgs->cpu, "cgroup v2 cpu.max", "cgroup v1 cpu quota"),
        .freeze = describe(cgs, cgs->freezer, "cgroup v2 freeze", "cgroup v1 freezer"),
        .kills = is_v2(cgs, cgs->freezer),
    };
}

struct cgroups *cgroups_start(const char *state, struct error *err) {
    struct cgroups *cgs = calloc(1, sizeof(*cgs));
    if (!cgs) {
        error_errno(err, ENOMEM, "cannot set up control groups");
        return NULL;
    }
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a: a short name for a long path */
    for (const char *at = state; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3;
    char name[CGROUP_NAME];
    snprintf(name, sizeof(name), "e2b-%016" PRIx64, hash);
    cgs->maker = geteuid();
    cgroup_tree_make(&cgs->tree, name);
    choose_keepers(cgs);
    return cgs;
}

void cgroups_stop(struct cgroups *cgs) {
    char leaf[CGROUP_LEAF_PATH];
    if (cgs->v2 != NONE)
        rmdir(cgroup_tree_leaf(&cgs->tree.at[cgs->v2], leaf)); /* unless we are in it */
    for (size_t i = 0; i < cgs->tree.count; i++)
        rmdir(cgs->tree.at[i].parent); /* unless a sandbox lives */
    free(cgs);
}

const struct cgroup_facts *cgroups_facts(const struct cgroups *cgs) {
    return &cgs->facts;
}

/* ---- who makes processes in them ------------------------------------------------------------- */

/* The nearest group above where a process comes from and where it goes must be the maker's to
 * write, as must be the latter. */
static bool admit(const struct cgroups *cgs, const char *dir, struct error *err) {
    char procs[CGROUP_PATH + 16];
    snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
    return cgs->maker == geteuid() || chown(procs, cgs->maker, (gid_t)-1) == 0 ||
           error_errno(err, errno, "cannot hand on %s", procs);
}

bool cgroups_admit(struct cgroups *cgs, uid_t maker, struct error *err) {
    cgs->maker = maker;
    return cgs->v2 == NONE || admit(cgs, cgs->tree.at[cgs->v2].parent, err);
}

int cgroups_open_nursery(const struct cgroups *cgs) {
    char leaf[CGROUP_LEAF_PATH];
    if (cgs->v2 == NONE || geteuid() != 0) /* a user is in the leaf himself */
        return -1;
    mkdir(cgroup_tree_leaf(&cgs->tree.at[cgs->v2], leaf), 0755);
    return open(leaf, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* ---- making and removing --------------------------------------------------------------------- */

static bool is_used(const struct cgroups *cgs, int hierarchy) {
    return hierarchy == cgs->memory || hierarchy == cgs->pids || hierarchy == cgs->cpu ||
           hierarchy == cgs->freezer || hierarchy == cgs->usage;
}

static const char *dir_of(const struct cgroup *cg, int keeper) {
    return keeper == NONE ? NULL : cg->path[keeper];
}

/* A limit that its file takes as a number; a kernel without the file has no such limit to keep. */
static bool limit(const struct cgroup *cg, int keeper, const char *v2_file, const char *v1_file,
                  const char *value, struct error *err) {
    const char *dir = dir_of(cg, keeper);
    const char *file = is_v2(cg->cgs, keeper) ? v2_file : v1_file;
    if (!dir || !file || cgroup_put(dir, file, value) || errno == ENOENT)
        return true;
    return error_errno(err, errno, "cannot write %s to %s/%s", value, dir, file);
}

static bool apply_limits(const struct cgroup *cg, const struct plan_limits *limits,
                         struct error *err) {
    const struct cgroups *cgs = cg->cgs;
    char memory[32], pids[32], quota[32], cpu_max[48];
    snprintf(memory, sizeof(memory), "%" PRIu64, limits->memory_bytes);
    snprintf(pids, sizeof(pids), "%" PRIu32, limits->processes);
    snprintf(quota, sizeof(quota), "%" PRIu64, (uint64_t)limits->cpus * CPU_PERIOD_US);
    snprintf(cpu_max, sizeof(cpu_max), "%s %d", quota, CPU_PERIOD_US);
    bool v2_cpu = is_v2(cgs, cgs->cpu);
    /* swap: none in v2; in v1 the limit of both together, which must come after the first */
    return limit(cg, cgs->memory, "memory.max", "memory.limit_in_bytes", memory, err) &&
           limit(cg, cgs->memory, "memory.swap.max", "memory.memsw.limit_in_bytes",
                 is_v2(cgs, cgs->memory) ? "0" : memory, err) &&
           limit(cg, cgs->pids, "pids.max", "pids.max", pids, err) &&
           (limits->cpus == 0 ||
            limit(cg, cgs->cpu, "cpu.max", "cpu.cfs_quota_us", v2_cpu ? cpu_max : quota, err));
}

static bool make_group(struct cgroup *cg, size_t hierarchy, const char *id, struct error *err) {
    const struct cgroup_hierarchy *h = &cg->cgs->tree.at[hierarchy];
    if (asprintf(&cg->path[hierarchy], "%s/%s", h->parent, id) < 0)
        return error_errno(err, ENOMEM, "cannot make a control group");
    rmdir(cg->path[hierarchy]); /* what an earlier start left may be frozen */
    if (mkdir(cg->path[hierarchy], 0755) < 0 && errno != EEXIST)
        return error_errno(err, errno, "cannot make the control group %s", cg->path[hierarchy]);
    return (int)hierarchy != cg->cgs->v2 || admit(cg->cgs, cg->path[hierarchy], err);
}

struct cgroup *cgroup_create(struct cgroups *cgs, const char *id, const struct plan_limits *limits,
                             struct error *err) {
    struct cgroup *cg = calloc(1, sizeof(*cg));
    bool made = cg || error_errno(err, ENOMEM, "cannot make a control group");
    if (cg)
        cg->cgs = cgs;
    for (size_t i = 0; i < cgs->tree.count && made; i++)
        if (is_used(cgs, (int)i))
            made = make_group(cg, i, id, err);
    if (made && apply_limits(cg, limits, err))
        return cg;
    if (cg && !cgroup_remove(cg))
        cgroup_release(cg);
    return NULL;
}

struct cgroup *cgroup_adopt(struct cgroups *cgs, const char *id, pid_t pid1, struct error *err) {
    char dir[64], text[8192], path[CGROUP_PATH];
    snprintf(dir, sizeof(dir), "/proc/%d", (int)pid1);
    struct cgroup *cg = calloc(1, sizeof(*cg));
    if (!cg || !cgroup_get(dir, "cgroup", text, sizeof(text))) {
        error_errno(err, errno, "cannot find the control groups of process %d", (int)pid1);
        free(cg);
        return NULL;
    }
    cg->cgs = cgs;
    for (size_t i = 0; i < cgs->tree.count; i++) {
        cgroup_tree_locate(&cgs->tree.at[i], text, path);
        const char *last = strrchr(path, '/');
        if (last && !strcmp(last + 1, id)) /* else it was made without a group there */
            cg->path[i] = strdup(path);
    }
    return cg;
}

int cgroup_open_v2(const struct cgroup *cg, struct error *err) {
    const char *dir = dir_of(cg, cg->cgs->v2);
    int fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir && fd < 0)
        error_errno(err, errno, "cannot open %s", dir);
    return fd;
}

int cgroup_open_v1(const struct cgroup *cg, int fds[ZYGOTE_MAX_CGROUPS], struct error *err) {
    int count = 0;
    for (size_t i = 0; i < CGROUP_MAX_HIERARCHIES; i++) {
        if (!cg->path[i] || (int)i == cg->cgs->v2)
            continue;
        char file[CGROUP_PATH + 16];
        snprintf(file, sizeof(file), "%s/tasks", cg->path[i]);
        fds[count] = open(file, O_WRONLY | O_CLOEXEC);
        if (fds[count] >= 0) {
            count++;
            continue;
        }
        error_errno(err, errno, "cannot open %s", file);
        while (count > 0)
            close(fds[--count]);
        return -1;
    }
    return count;
}

void cgroup_release(struct cgroup *cg) {
    for (size_t i = 0; i < CGROUP_MAX_HIERARCHIES; i++)
        free(cg->path[i]);
    free(cg);
}

bool cgroup_remove(struct cgroup *cg) {
    for (size_t i = 0; i < CGROUP_MAX_HIERARCHIES; i++)
        if (cg->path[i] && rmdir(cg->path[i]) < 0 && errno != ENOENT)
            return false;
    cgroup_release(cg);
    return true;
}

/* ---- freezing and killing -------------------------------------------------------------------- */

static bool is_frozen(int events) {
    char text[128];
    ssize_t n = pread(events, text, sizeof(text) - 1, 0);
    text[MAX(n, 0)] = '\0';
    return strstr(text, "frozen 1") != NULL;
}

/* Notification of cgroup.events is held back for some 10 ms, freezing takes a tenth of one. */
static void await_frozen(const char *dir) {
    char file[CGROUP_PATH + 16];
    snprintf(file, sizeof(file), "%s/cgroup.events", dir);
    cleanup_close int events = open(file, O_RDONLY | O_CLOEXEC);
    if (events < 0)
        return;
    int64_t until = clock_mono_us() + FREEZE_SPIN_US;
    while (clock_mono_us() < until)
        if (is_frozen(events))
            return;
    poll(&(struct pollfd){.fd = events, .events = POLLPRI}, 1, FREEZE_WAIT_MS);
}

static bool set_frozen(struct cgroup *cg, bool frozen, struct error *err) {
    const char *dir = dir_of(cg, cg->cgs->freezer);
    if (!dir)
        return error_set(err, ERR_UNSUPPORTED, "this host has no freezer for sandboxes: %s",
                         cg->cgs->facts.freeze.why ? cg->cgs->facts.freeze.why : "no group");
    bool v2 = is_v2(cg->cgs, cg->cgs->freezer);
    bool told = v2 ? cgroup_put(dir, "cgroup.freeze", frozen ? "1" : "0")
                   : cgroup_put(dir, "freezer.state", frozen ? "FROZEN" : "THAWED");
    if (!told)
        return error_errno(err, errno, "cannot %s %s", frozen ? "freeze" : "thaw", dir);
    if (v2 && frozen)
        await_frozen(dir);
    return true;
}

bool cgroup_freeze(struct cgroup *cg, struct error *err) {
    return set_frozen(cg, true, err);
}

bool cgroup_thaw(struct cgroup *cg, struct error *err) {
    return set_frozen(cg, false, err);
}

bool cgroup_has_freezer(const struct cgroup *cg) {
    return dir_of(cg, cg->cgs->freezer) != NULL;
}

bool cgroup_is_frozen(const struct cgroup *cg) {
    char text[128];
    const char *dir = dir_of(cg, cg->cgs->freezer);
    bool v2 = is_v2(cg->cgs, cg->cgs->freezer);
    if (!dir || !cgroup_get(dir, v2 ? "cgroup.events" : "freezer.state", text, sizeof(text)))
        return true;
    return strstr(text, v2 ? "frozen 1" : "FROZEN") != NULL;
}

bool cgroup_kill(struct cgroup *cg) {
    const char *dir = dir_of(cg, cg->cgs->freezer);
    if (!dir)
        return false;
    if (is_v2(cg->cgs, cg->cgs->freezer))
        return cgroup_put(dir, "cgroup.kill", "1");
    cgroup_put(dir, "freezer.state", "THAWED");
    return false;
}

/* ---- accounting ------------------------------------------------------------------------------ */

/* The number behind `key` at the beginning of a line; -1. */
static int64_t number_behind(const char *text, const char *key) {
    size_t len = strlen(key);
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, key, len) == 0 && at[len] == ' ')
            return strtoll(at + len, NULL, 10);
    }
    return -1;
}

/* The number in `file`, behind `key` if one is given. */
static int64_t number_in(const char *dir, const char *file, const char *key) {
    char text[8192];
    if (!dir || !cgroup_get(dir, file, text, sizeof(text)))
        return -1;
    return key ? number_behind(text, key) : strtoll(text, NULL, 10);
}

/* Files in memory count as used: there is nowhere else to put them. */
static void memory_usage(const struct cgroup *cg, struct guest_usage *usage) {
    char text[8192];
    bool v2 = is_v2(cg->cgs, cg->cgs->memory);
    const char *dir = dir_of(cg, cg->cgs->memory);
    int64_t all = number_in(dir, v2 ? "memory.current" : "memory.usage_in_bytes", NULL);
    if (all < 0 || !cgroup_get(dir, "memory.stat", text, sizeof(text)))
        return;
    int64_t cache = number_behind(text, v2 ? "file" : "total_cache");
    int64_t in_memory = number_behind(text, v2 ? "shmem" : "total_shmem");
    usage->memory_cache_bytes = MAX(cache - MAX(in_memory, 0), 0);
    usage->memory_bytes = MAX(all - usage->memory_cache_bytes, 0);
}

void cgroup_usage(const struct cgroup *cg, struct guest_usage *usage) {
    const struct cgroups *cgs = cg->cgs;
    const char *cpu = dir_of(cg, cgs->usage);
    memory_usage(cg, usage);
    if (is_v2(cgs, cgs->usage)) {
        usage->cpu_us = number_in(cpu, "cpu.stat", "usage_usec");
    } else {
        int64_t ns = number_in(cpu, "cpuacct.usage", NULL);
        usage->cpu_us = ns < 0 ? -1 : ns / 1000;
    }
    usage->processes = number_in(dir_of(cg, cgs->pids), "pids.current", NULL);
}

int64_t cgroup_oom_kills(const struct cgroup *cg) {
    const struct cgroups *cgs = cg->cgs;
    const char *file = is_v2(cgs, cgs->memory) ? "memory.events" : "memory.oom_control";
    return number_in(dir_of(cg, cgs->memory), file, "oom_kill");
}

/* ---- what was left behind -------------------------------------------------------------------- */

static void kill_listed(const char *dir) {
    char text[32768];
    cgroup_put(dir, "freezer.state", "THAWED");
    if (cgroup_put(dir, "cgroup.kill", "1") || !cgroup_get(dir, "cgroup.procs", text, sizeof(text)))
        return;
    for (char *at = text; *at;) {
        char *end;
        pid_t pid = (pid_t)strtol(at, &end, 10);
        if (end == at)
            return;
        if (pid > 1)
            kill(pid, SIGKILL);
        at = end + strspn(end, "\n");
    }
}

static void remove_unknown(const char *parent, const char *id) {
    char dir[CGROUP_PATH + 300];
    snprintf(dir, sizeof(dir), "%s/%s", parent, id);
    for (int tries = 0; tries < REMOVE_TRIES; tries++) {
        if (rmdir(dir) == 0 || errno != EBUSY)
            return;
        kill_listed(dir);
        poll(NULL, 0, 1); /* the dead leave their group on their own time */
    }
}

void cgroups_sweep(struct cgroups *cgs, bool (*is_known)(void *ctx, const char *id), void *ctx) {
    for (size_t i = 0; i < cgs->tree.count; i++) {
        DIR *parent = opendir(cgs->tree.at[i].parent);
        const struct dirent *entry;
        while (parent && (entry = readdir(parent)))
            if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
                strcmp(entry->d_name, "daemon") != 0 && !is_known(ctx, entry->d_name))
                remove_unknown(cgs->tree.at[i].parent, entry->d_name);
        if (parent)
            closedir(parent);
    }
}
