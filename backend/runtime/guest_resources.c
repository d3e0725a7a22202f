/* SPDX-License-Identifier: Apache-2.0
 *
 * What a guest uses.
 */
#include "backend/runtime/internal.h"

pid_t guest_pid(const struct guest *guest) {
    return guest->pid;
}

static int64_t memory_total(const struct guest *guest) {
    if (cgroups_facts(guest->rt->cgroups)->memory.mechanism)
        return (int64_t)guest->limits.memory_bytes;
    return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

static uint32_t cpus(const struct guest *guest) {
    if (cgroups_facts(guest->rt->cgroups)->cpu.mechanism && guest->limits.cpus)
        return guest->limits.cpus;
    return (uint32_t)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
}

static int64_t disk_total(const struct guest *guest) {
    uint64_t total = disk_size(guest->rt->disk);
    return (int64_t)(total ? MIN(total, guest->limits.disk_bytes) : guest->limits.disk_bytes);
}

static bool is_counted(const struct guest_usage *usage) {
    return usage->cpu_us >= 0 && usage->memory_bytes >= 0 && usage->memory_cache_bytes >= 0 &&
           usage->processes >= 0;
}

bool guest_usage(struct guest *guest, struct guest_usage *usage, struct error *err) {
    if (guest->state != GUEST_RUNNING)
        return error_set(err, ERR_GONE, "the sandbox has ended");
    *usage = (struct guest_usage){.cpu_us = -1,
                                  .memory_bytes = -1,
                                  .memory_cache_bytes = -1,
                                  .memory_limit_bytes = memory_total(guest),
                                  .disk_used_bytes = disk_used(guest->rt->disk, guest),
                                  .disk_total_bytes = disk_total(guest),
                                  .processes = -1,
                                  .cpus = cpus(guest)};
    cgroup_usage(guest->cgroup, usage);
    if (!is_counted(usage))
        proc_usage_fill(&guest->rt->processes, guest->pid, usage);
    return true;
}
