/* SPDX-License-Identifier: Apache-2.0
 *
 * What a sandbox's log says: what happened to it, and what its processes wrote, line by line. What
 * is typed in a terminal and seen there is not logged.
 *
 * A program that writes a lot is not slowed down and does not fill the disk: beyond
 * LOGS_BURST bytes at once and LOGS_RATE bytes a second its output is left out of the log, and the
 * log says how much that was. Lines are held back for LOGS_DELAY_MS, to be written together.
 */
#ifndef E2B_CORE_LOGS_H
#define E2B_CORE_LOGS_H

#include "backend/core/sandbox.h"
#include "backend/store/log_ring.h"

enum {
    LOGS_RATE = 128 << 10,
    LOGS_BURST = 256 << 10,
    LOGS_DELAY_MS = 200,
    LOGS_SAME_MS = 100, /* lines of one millisecond, so that a page can end between two */
};

/* One line about the sandbox itself. */
void sandbox_log(struct sandbox *sandbox, enum log_level level, const char *format, ...)
    printf_like(3, 4);

struct log_query {
    int64_t from_ms, before_ms; /* from: included; before: not */
    size_t limit;
    bool backward; /* the newest first */
    enum log_level least;
    const char *search; /* NULL: any text */
};

/* The first `limit` lines that match, also of a sandbox that is gone; all of them or none of one
 * millisecond, unless there are more than `limit`, so a cursor in milliseconds misses none. Lines
 * are valid during the call. ERR_NOT_FOUND for a sandbox that nobody remembers. */
bool logs_read(struct core *core, const char *sandbox_id, const struct log_query *query,
               void (*each)(void *ctx, const struct log_record *record), void *ctx,
               struct error *err);

#endif
