/* SPDX-License-Identifier: Apache-2.0
 *
 * Control groups, in whichever form the host gives them: a delegated v2 tree, v1 hierarchies as
 * root, both beside each other (v2 for freezing, killing and CPU time, v1 for the limits), or none.
 * All groups of one daemon lie below one named parent, so several daemons do not meet.
 *
 * Groups outlive the daemon; those of an adopted sandbox are found through its PID 1, wherever an
 * earlier daemon was allowed to make them.
 */
#ifndef E2B_RUNTIME_CGROUP_H
#define E2B_RUNTIME_CGROUP_H

#include "common/error.h"
#include "backend/runtime/runtime.h"

struct cgroups; /* what this host gives; one a daemon */
struct cgroup;  /* the groups of one sandbox */

/* What the host gives, for runtime_facts: a NULL mechanism carries the reason in `why`. */
struct cgroup_facts {
    struct runtime_mechanism memory, processes, cpu, freeze;
    bool kills; /* cgroup_kill reaches every process at once */
};

/* Probes and makes the parent groups; `state` names this daemon's tree. Under pure v2 it moves the
 * calling process into a leaf of its own, so call it before starting any other process. Having no
 * groups at all is no failure (see the facts); NULL only when memory is exhausted. */
struct cgroups *cgroups_start(const char *state, struct error *err);
void cgroups_stop(struct cgroups *cgs); /* groups with a sandbox in them stay */
const struct cgroup_facts *cgroups_facts(const struct cgroups *cgs);
/* Where a process has to be born that is to make others in v2 groups; -1: it is well where we are.
 * The caller closes it. */
int cgroups_open_nursery(const struct cgroups *cgs);
/* Lets that user make processes in the v2 groups that are made from now on. */
bool cgroups_admit(struct cgroups *cgs, uid_t maker, struct error *err);
/* Kills and removes groups that `is_known` does not know. */
void cgroups_sweep(struct cgroups *cgs, bool (*is_known)(void *ctx, const char *id), void *ctx);

struct cgroup *cgroup_create(struct cgroups *cgs, const char *id, const struct plan_limits *limits,
                             struct error *err);
/* Of a sandbox that an earlier daemon made. */
struct cgroup *cgroup_adopt(struct cgroups *cgs, const char *id, pid_t pid1, struct error *err);
/* The ways in, none of which waits for the kernel to look at every processor, as a write to
 * cgroup.procs does, with all other groups locked for milliseconds. The caller closes them.
 *
 * v2: the directory, for CLONE_INTO_CGROUP; -1: there is no such group, or an error. */
int cgroup_open_v2(const struct cgroup *cg, struct error *err);
/* v1: the files to which a process of one thread writes "0". Returns how many, or -1. */
int cgroup_open_v1(const struct cgroup *cg, int fds[ZYGOTE_MAX_CGROUPS], struct error *err);

/* From its return on no process of the group runs in user mode; one inside a system call stops when
 * it leaves it. ERR_UNSUPPORTED where no freezer is. */
bool cgroup_freeze(struct cgroup *cg, struct error *err);
bool cgroup_thaw(struct cgroup *cg, struct error *err);
/* Has everything in it come to a stop? Also true where no freezer is. */
bool cgroup_is_frozen(const struct cgroup *cg);
bool cgroup_has_freezer(const struct cgroup *cg);
/* Kills everything in it, frozen or not. False where only killing PID 1 is left (a v1 freezer is
 * thawed then, because it holds back even SIGKILL). */
bool cgroup_kill(struct cgroup *cg);
/* Fills what is known of cpu_us, memory_bytes (without the cache), memory_cache_bytes and
 * processes; what is not stays, or is -1. */
void cgroup_usage(const struct cgroup *cg, struct guest_usage *usage);
/* How often a process was killed in it for want of memory; -1: not known. */
int64_t cgroup_oom_kills(const struct cgroup *cg);
/* Removes the groups and frees cg. False when processes are left in it: then nothing is freed. */
bool cgroup_remove(struct cgroup *cg);
/* Frees cg, leaves the groups. */
void cgroup_release(struct cgroup *cg);

#endif
