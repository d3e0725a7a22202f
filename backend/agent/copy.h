/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies a tree that nobody changes meanwhile: what an overlay's upper holds, with its whiteouts
 * and opaque directories, holes, hard links, owners, times and attributes. Shares the blocks where
 * the file system can.
 */
#ifndef E2B_AGENT_COPY_H
#define E2B_AGENT_COPY_H

#include <stdbool.h>

/* Into the empty directory `to`. `links` is another one on the same file system, for the time of
 * the copy; what is left in it is the caller's to remove. errno on failure. */
bool copy_tree(int from, int to, int links);

#endif
