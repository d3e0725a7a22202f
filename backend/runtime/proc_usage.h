/* SPDX-License-Identifier: Apache-2.0
 *
 * What sandboxes use on a host that does not count it for us: the sum over their processes, taken
 * from /proc by parentage (an orphan inside becomes its PID 1's child). One walk serves all
 * sandboxes that are asked for soon after one another.
 *
 * Memory is what processes do not share with anybody, and the cache what they have mapped of files;
 * the time of a child is kept by its parent when it ends, unless that one ignores its children.
 */
#ifndef E2B_RUNTIME_PROC_USAGE_H
#define E2B_RUNTIME_PROC_USAGE_H

#include "backend/runtime/runtime.h"

struct proc_usage {
    struct proc_entry *at; /* by pid */
    size_t count, cap;
    int64_t taken_ms; /* monotonic */
};

/* Fills what is -1 in `usage`, if it can be known. */
void proc_usage_fill(struct proc_usage *processes, pid_t pid1, struct guest_usage *usage);
void proc_usage_free(struct proc_usage *processes);

#endif
