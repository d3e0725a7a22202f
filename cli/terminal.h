/* SPDX-License-Identifier: Apache-2.0
 *
 * The user's terminal: how large it is, and raw mode that ends on every way out of the program:
 * return, exit(), and the signals that end it.
 */
#ifndef E2B_CLI_TERMINAL_H
#define E2B_CLI_TERMINAL_H

#include "common/error.h"

struct terminal_size {
    unsigned columns;
    unsigned rows;
};

/* False (80 by 24) if `fd` is no terminal or does not know. */
bool terminal_size(int fd, struct terminal_size *size);
/* Standard input gives every key as it is typed; nothing is echoed. */
bool terminal_raw(struct error *err);
void terminal_restore(void);

#endif
