/* SPDX-License-Identifier: Apache-2.0
 *
 * The network namespaces of sandboxes that ended, held while others are being made, for a quarter
 * of a second at most: to take one apart costs the kernel as much as to make one, and it does many
 * together for less.
 */
#ifndef E2B_RUNTIME_REMAINS_H
#define E2B_RUNTIME_REMAINS_H

#include <sys/types.h>

struct runtime;
struct remains;

struct remains *remains_start(struct runtime *rt);
void remains_stop(struct remains *r);
/* Of a process that is about to be killed. */
void remains_hold(struct remains *r, pid_t pid);

#endif
