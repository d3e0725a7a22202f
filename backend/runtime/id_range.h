/* SPDX-License-Identifier: Apache-2.0
 *
 * Which ids of the host the sandboxes' ids are, and writing that into a user namespace.
 */
#ifndef E2B_RUNTIME_ID_RANGE_H
#define E2B_RUNTIME_ID_RANGE_H

#include "common/error.h"

#include <sys/types.h>

enum { ID_COUNT = 65536 };

struct id_range {
    bool is_root;
    uint32_t base;      /* root: what 0 is outside. Else 0 is the user, and 1... is: */
    uint32_t uid_start; /* first subordinate ids; 0: there are none, a single id is mapped */
    uint32_t gid_start;
};

void id_range_find(struct id_range *range);
/* The first of the subordinate ids behind all that somebody has. */
uint64_t id_range_unused(void);
/* Maps the namespace that `pid` just made. */
bool id_range_write(const struct id_range *range, pid_t pid, struct error *err);

#endif
