/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies a tree that nobody changes meanwhile, with holes, hard links, owners, times and
 * attributes: what an overlay's upper holds, with its whiteouts and opaque directories, or what
 * somebody sees of a whole one, onto what is there. Shares the blocks where the file system can.
 */
#ifndef E2B_AGENT_COPY_H
#define E2B_AGENT_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* For what is merged into a tree: directories that are there already stay, and take the source's
 * owner, mode and times; other files give way to those of the same name. */
struct copy_merge {
    bool has_owner; /* instead of the source's */
    uint32_t uid, gid;
    const char *mode; /* as chmod takes it, not of symlinks; "": the source's */
};

/* Into the directory `to`; it is empty, and gets all that is told of `from`, when `merge` is NULL.
 * `links` is another one on the same file system, for the time of the copy; what is left in it is
 * the caller's to remove. errno on failure. */
bool copy_tree(int from, int to, int links, const struct copy_merge *merge);
/* One regular file that is open. */
bool copy_one(int from, int to, const char *name, const struct copy_merge *merge);
/* What copy_tree does to a new directory itself. */
bool copy_dress(int from, int to, const struct copy_merge *merge);

#endif
