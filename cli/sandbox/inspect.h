/* SPDX-License-Identifier: Apache-2.0
 *
 * A JSON value on one line as Node's util.inspect writes it, which is how the official command line
 * shows log entries: { logger: 'process', pid: 12 }. Coloured where a person looks.
 */
#ifndef E2B_CLI_SANDBOX_INSPECT_H
#define E2B_CLI_SANDBOX_INSPECT_H

#include <jansson.h>
#include <stdio.h>

void inspect_print(FILE *out, const json_t *value);

#endif
