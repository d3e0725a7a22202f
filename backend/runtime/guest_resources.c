/* SPDX-License-Identifier: Apache-2.0
 *
 * What a guest uses, and stopping its clock.
 */
#include "backend/runtime/internal.h"
#include "backend/runtime/stop.h"

pid_t guest_pid(const struct guest *guest) {
    return guest->pid;
}

bool guest_freeze(struct guest *guest, struct error *err) {
    return cgroup_freeze(guest->cgroup, err) ||
           (err->kind == ERR_UNSUPPORTED && stop_processes(guest->pid, true, err));
}

bool guest_thaw(struct guest *guest, struct error *err) {
    return cgroup_thaw(guest->cgroup, err) ||
           (err->kind == ERR_UNSUPPORTED && stop_processes(guest->pid, false, err));
}

bool guest_usage(struct guest *guest, struct guest_usage *usage, struct error *err) {
    if (guest->state != GUEST_RUNNING)
        return error_set(err, ERR_GONE, "the sandbox has ended");
    *usage = (struct guest_usage){.cpu_us = -1,
                                  .memory_bytes = -1,
                                  .memory_cache_bytes = -1,
                                  .memory_limit_bytes = (int64_t)guest->limits.memory_bytes,
                                  .disk_used_bytes = disk_used(guest->rt->disk, guest),
                                  .disk_total_bytes = (int64_t)guest->limits.disk_bytes,
                                  .processes = -1};
    cgroup_usage(guest->cgroup, usage);
    return true;
}
