/* SPDX-License-Identifier: Apache-2.0
 *
 * What a finished template can be used for, as the official command line shows it.
 */
#ifndef E2B_CLI_TEMPLATE_EXAMPLE_H
#define E2B_CLI_TEMPLATE_EXAMPLE_H

#include <stdio.h>

void example_print(FILE *out, const char *name);

#endif
