/* SPDX-License-Identifier: Apache-2.0
 *
 * See proc_usage.h.
 */
#include "backend/runtime/proc_usage.h"

#include "common/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    FRESH_MS = 1000,
    MAX_PROCESSES = 1 << 20,
    MAX_DEPTH = 512, /* a parent is another's child by the time it is read: there may be loops */
};

struct proc_sum {
    int64_t ticks, pages, mapped, processes;
};

struct proc_entry {
    pid_t pid, parent;
    struct proc_sum own, tree; /* tree: with all that descend from it */
};

/* ---- the walk ---- */

static bool read_text(pid_t pid, const char *file, char *text, size_t size) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    text[MAX(n, 0)] = '\0';
    return n > 0;
}

static bool read_entry(pid_t pid, struct proc_entry *entry) {
    char text[1024];
    int64_t times[4], resident, mapped;
    int parent;
    if (!read_text(pid, "stat", text, sizeof(text)))
        return false;
    const char *at = strrchr(text, ')'); /* a name may hold anything */
    if (!at || sscanf(at,
                      ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNd64 " %" SCNd64
                      " %" SCNd64 " %" SCNd64,
                      &parent, &times[0], &times[1], &times[2], &times[3]) != 5)
        return false;
    if (!read_text(pid, "statm", text, sizeof(text)) ||
        sscanf(text, "%*d %" SCNd64 " %" SCNd64, &resident, &mapped) != 2)
        return false;
    const struct proc_sum own = {.ticks = times[0] + times[1] + times[2] + times[3],
                                 .pages = resident - mapped,
                                 .mapped = mapped,
                                 .processes = 1};
    *entry = (struct proc_entry){.pid = pid, .parent = parent, .own = own, .tree = own};
    return true;
}

static bool make_room(struct proc_usage *p) {
    if (p->count < p->cap)
        return true;
    size_t cap = MAX(p->cap * 2, (size_t)256);
    struct proc_entry *at = cap > MAX_PROCESSES ? NULL : reallocarray(p->at, cap, sizeof(*p->at));
    if (!at)
        return false;
    p->at = at;
    p->cap = cap;
    return true;
}

static int by_pid(const void *a, const void *b) {
    const struct proc_entry *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static struct proc_entry *find(const struct proc_usage *p, pid_t pid) {
    const struct proc_entry key = {.pid = pid};
    return p->count ? bsearch(&key, p->at, p->count, sizeof(key), by_pid) : NULL;
}

static void add_to_ancestors(const struct proc_usage *p, const struct proc_entry *entry) {
    const struct proc_sum own = entry->own;
    pid_t parent = entry->parent;
    for (int depth = 0; depth < MAX_DEPTH; depth++) {
        struct proc_entry *at = find(p, parent);
        if (!at)
            return;
        at->tree.ticks += own.ticks;
        at->tree.pages += own.pages;
        at->tree.mapped += own.mapped;
        at->tree.processes += own.processes;
        parent = at->parent;
    }
}

static void walk(struct proc_usage *p) {
    p->count = 0;
    p->taken_ms = clock_mono_ms();
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    while (proc && (entry = readdir(proc))) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && make_room(p) && read_entry(pid, &p->at[p->count]))
            p->count++;
    }
    if (proc)
        closedir(proc);
    qsort(p->at, p->count, sizeof(*p->at), by_pid);
    for (size_t i = 0; i < p->count; i++)
        add_to_ancestors(p, &p->at[i]);
}

/* ---- one sandbox ---- */

static void fill(int64_t *slot, int64_t value) {
    if (*slot < 0)
        *slot = value;
}

void proc_usage_fill(struct proc_usage *p, pid_t pid1, struct guest_usage *usage) {
    static int64_t page, tick_us;
    if (!page) {
        page = sysconf(_SC_PAGESIZE);
        tick_us = 1000000 / sysconf(_SC_CLK_TCK);
    }
    if (!p->taken_ms || clock_mono_ms() - p->taken_ms > FRESH_MS)
        walk(p);
    const struct proc_entry *entry = find(p, pid1);
    if (!entry)
        return;
    fill(&usage->cpu_us, entry->tree.ticks * tick_us);
    fill(&usage->memory_bytes, entry->tree.pages * page);
    fill(&usage->memory_cache_bytes, entry->tree.mapped * page);
    fill(&usage->processes, entry->tree.processes);
}

void proc_usage_free(struct proc_usage *p) {
    free(p->at);
    *p = (struct proc_usage){0};
}
