/* SPDX-License-Identifier: Apache-2.0
 *
 * How the end of a remote process becomes our exit status.
 */
#ifndef E2B_CLI_SANDBOX_VERDICT_H
#define E2B_CLI_SANDBOX_VERDICT_H

#include "cli/sandbox/attach.h"

/* As the official command line: the reason on standard error, 255 for a death by signal. */
int verdict_official(const struct attach_end *end);
/* As a shell: silent, 128 + N for a death by signal N. */
int verdict_shell(const struct attach_end *end);

#endif
