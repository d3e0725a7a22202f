/* SPDX-License-Identifier: Apache-2.0
 *
 * Removing trees that somebody hostile made: never follows a symlink, never goes up, and neither
 * descriptors nor stack grow with the depth.
 */
#ifndef E2B_COMMON_TREE_H
#define E2B_COMMON_TREE_H

#include <stdbool.h>

/* Both go on after a failure, and return false with the first errno. What somebody else removed
 * meanwhile is no failure. */
bool tree_empty(int dir);                   /* everything in it; `dir` stays open */
bool tree_remove(int at, const char *name); /* a file, or a directory with all in it */

#endif
