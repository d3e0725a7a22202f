/* SPDX-License-Identifier: Apache-2.0
 *
 * How core writes logs: the sandbox's own lines and those of its processes go into one batch.
 */
#ifndef E2B_CORE_LOGS_INTERNAL_H
#define E2B_CORE_LOGS_INTERNAL_H

#include "backend/core/core.h"
#include "backend/core/logs.h"
#include "backend/core/process.h"

/* ---- logs.c ---- */
struct sandbox_log *sandbox_log_of(struct sandbox *sandbox); /* NULL: nothing is logged */
/* Gives the line its time. */
void sandbox_log_put(struct sandbox_log *log, struct log_record *record);
/* May `len` bytes of output be logged now? If not they were counted, and the log will tell. */
bool sandbox_log_allows(struct sandbox_log *log, size_t len);
/* The one who wrote too much has ended: tells how much that was. */
void sandbox_log_pause(struct sandbox_log *log);
/* Puts the lines of the answer at the front; how many they are. */
size_t logs_choose(struct log_content *content, const struct log_query *query);

#endif
