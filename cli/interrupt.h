/* SPDX-License-Identifier: Apache-2.0
 *
 * The first SIGINT or SIGTERM lets a command end in order; the second ends it at once.
 */
#ifndef E2B_CLI_INTERRUPT_H
#define E2B_CLI_INTERRUPT_H

#include "common/util.h"

void interrupt_catch(void);
/* The signal that came, or 0. */
int interrupt_signal(void);
static inline int interrupt_status(void) {
    return 128 + interrupt_signal();
}

#endif
