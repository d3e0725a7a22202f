/* SPDX-License-Identifier: Apache-2.0
 *
 * How a process comes to be, for those who start and those who adopt one.
 */
#ifndef E2B_CORE_PROCESS_INTERNAL_H
#define E2B_CORE_PROCESS_INTERNAL_H

#include "backend/core/core.h"
#include "backend/core/process.h"

struct process *process_new(struct sandbox *sandbox); /* NULL: no memory */
void process_free(struct process *process);
/* Takes the descriptors that it can use. */
bool process_connect(struct process *process, struct guest_process *guest, struct error *err);
void process_close_all(struct guest_process *guest); /* what was not taken */
void process_enter(struct process *process);         /* into the sandbox's list */
void process_watch_deadline(struct process *process);

/* process_log.c: lines of the sandbox's log. */
void process_log_start(struct process *process);
void process_log_output(struct process *process, enum process_stream stream, const char *bytes,
                        size_t len);
void process_log_end(struct process *process);

#endif
