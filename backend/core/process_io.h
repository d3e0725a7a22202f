/* SPDX-License-Identifier: Apache-2.0
 *
 * The pipes and the terminal of a process on the loop. Their descriptors came out of a sandbox, so
 * nothing here trusts O_NONBLOCK to be what it was set to.
 */
#ifndef E2B_CORE_PROCESS_IO_H
#define E2B_CORE_PROCESS_IO_H

#include "backend/core/process.h"
#include "backend/core/process_limits.h"

/* Takes fd, also on failure. */
struct channel *channel_open(struct process *process, int fd, enum process_stream stream,
                             struct error *err);
void channel_close(struct channel **channel);
bool channel_resize(const struct channel *channel, uint16_t cols, uint16_t rows); /* errno */

/* Polls what is wanted now: output unless a listener is full, input while something waits. */
void process_poll(struct process *process);
/* Something has changed: reads the rest of one that was killed, polls what is wanted, and ends it
 * when nothing is left. Does nothing from within a listener's `data`. */
void process_settle(struct process *process);
/* Gives up on everything that waits to be written. */
void process_drop_writes(struct process *process, const struct error *err);

/* process.c: the process may have come to its end. */
void process_check_end(struct process *process);
void process_tell_data(struct process *process, enum process_stream stream, const void *bytes,
                       size_t len);

/* nowait.c: like read(2) and write(2) on a pipe or terminal, but -1 and EAGAIN instead of waiting,
 * whatever the other holders of the description have done to its flags. */
ssize_t nowait_read(int fd, void *bytes, size_t len, bool is_terminal);
ssize_t nowait_write(int fd, const void *bytes, size_t len, bool is_terminal);

#endif
