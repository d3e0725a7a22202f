/* SPDX-License-Identifier: Apache-2.0
 *
 * What a tree takes on disk, however it is made and while somebody changes it.
 */
#ifndef E2B_AGENT_MEASURE_H
#define E2B_AGENT_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes allocated by all files below `dir` (borrowed), each hard link counted. Symlinks are not
 * followed. False with ELOOP when it is nested more deeply than is looked at; what was seen until
 * then is counted. */
bool measure_tree(int dir, int64_t *bytes);

#endif
