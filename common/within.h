/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening what lies in a directory, whatever names and links somebody hostile chose.
 */
#ifndef E2B_COMMON_WITHIN_H
#define E2B_COMMON_WITHIN_H

#include <linux/openat2.h>

/* openat2 with flags like O_RDONLY, and RESOLVE_IN_ROOT or its like; O_CLOEXEC. An empty path is
 * `dir` itself. */
int open_within(int dir, const char *path, int flags, unsigned long long resolve);

#endif
