/* SPDX-License-Identifier: Apache-2.0
 *
 * Fills a directory with files of our own and copies of the host's. Only what everybody on the host
 * may read is ever copied, whoever we are; what is absent or private is passed over. Nothing is
 * followed: links are made anew, devices, sockets and other file systems are left out.
 */
#ifndef E2B_IMAGE_MAKER_H
#define E2B_IMAGE_MAKER_H

#include "common/error.h"

#include <sys/types.h>

struct maker_counts {
    uint64_t entries, bytes;
};

struct maker {
    int dir;           /* all paths below are relative to it */
    uint32_t id_count; /* ids that can own a file; with 1 everything is root's */
    struct maker_counts *counts;
};

bool maker_dir(const struct maker *m, const char *path, mode_t mode, struct error *err);
bool maker_file(const struct maker *m, const char *path, mode_t mode, const char *text,
                struct error *err);
bool maker_link(const struct maker *m, const char *path, const char *target, struct error *err);
bool maker_own(const struct maker *m, const char *path, uid_t uid, gid_t gid, struct error *err);
/* From an open file. */
bool maker_copy_fd(const struct maker *m, int from, const char *path, mode_t mode,
                   struct error *err);

enum maker_what { MAKER_ALL, MAKER_DIRECTORIES };

/* A file or a whole tree `from` the host; entries whose name matches a pattern of `except` (may be
 * NULL) are left out at any depth. The directory above `path` is there already. */
bool maker_copy(const struct maker *m, const char *from, const char *path, enum maker_what what,
                const char *const *except, struct error *err);

#endif
