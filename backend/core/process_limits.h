/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of a process's input and output is dealt with at a time.
 */
#ifndef E2B_CORE_PROCESS_LIMITS_H
#define E2B_CORE_PROCESS_LIMITS_H

enum {
    PROCESS_PIPE_CHUNK = 32 << 10,
    PROCESS_TERMINAL_CHUNK = 16 << 10,
    PROCESS_MAX_WAITING = 16 << 20,
    PROCESS_MAX_DRAIN = 1 << 20, /* a full pipe of the largest size that a plain user may set */
};

#endif
