/* SPDX-License-Identifier: Apache-2.0
 *
 * What the future PID 1 gives up, for itself and so for all that comes after it: resources,
 * capabilities, system calls. PR_SET_DUMPABLE is 0 since the zygote and stays so.
 */
#include "backend/agent/setup.h"
#include "backend/agent/sys.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A hard limit can be lowered, never raised. */
static int limit(int resource, uint64_t value) {
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
        return errno;
    now.rlim_max = value < now.rlim_max ? value : now.rlim_max;
    now.rlim_cur = now.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &now) < 0 ? errno : 0;
}

int setup_limits(struct setup *s) {
    /* The agent's own: what it keeps of every process. A program gets max_files when it starts. */
    const uint64_t own_files = AGENT_MAX_PROCESSES * 4 + 64;
    const uint64_t files = s->plan->max_files > own_files ? s->plan->max_files : own_files;
    const struct {
        int resource;
        uint64_t value;
    } limits[] = {
        {RLIMIT_NOFILE, files},
        /* 1, not 0: a core_pattern that is a pipe ignores every other limit, and would run the
         * host's handler on a sandbox's crash */
        {RLIMIT_CORE, 1},
        {RLIMIT_NPROC, s->plan->max_processes},
        {RLIMIT_DATA, s->plan->max_memory},
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        int error = limits[i].value ? limit(limits[i].resource, limits[i].value) : 0;
        if (error)
            return error;
    }
    return 0;
}

int setup_capabilities(struct setup *s) {
    const uint64_t keep = s->plan->bounding;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {
        {.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
        {.effective = (uint32_t)(keep >> 32), .permitted = (uint32_t)(keep >> 32)},
    };
    for (int cap = 0; cap < 64; cap++)
        if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            break; /* past the last one this kernel has */
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return errno;
    return syscall(SYS_capset, &head, sets) < 0 ? errno : 0;
}

/* Needs no no_new_privs, which would take sudo away: it is loaded with CAP_SYS_ADMIN over the
 * sandbox's namespace, before that goes. */
int setup_seccomp(struct setup *s) {
    struct stat st;
    if (fstat(s->seccomp, &st) < 0)
        return errno;
    size_t size = (size_t)st.st_size;
    if (size == 0 || size % sizeof(struct sock_filter) ||
        size > BPF_MAXINSNS * sizeof(struct sock_filter))
        return EPROTO;
    void *filter = mmap(NULL, size, PROT_READ, MAP_PRIVATE, s->seccomp, 0);
    if (filter == MAP_FAILED)
        return errno;
    struct sock_fprog program = {.len = (unsigned short)(size / sizeof(struct sock_filter)),
                                 .filter = filter};
    int error = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? errno : 0;
    munmap(filter, size);
    return error;
}
