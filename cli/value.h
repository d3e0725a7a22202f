/* SPDX-License-Identifier: Apache-2.0
 *
 * One typed option value: is the text acceptable, and which number does it mean.
 */
#ifndef E2B_CLI_VALUE_H
#define E2B_CLI_VALUE_H

#include "cli/command.h"

/* Fills *number for the types that are numbers. On failure err->hint says what is accepted. */
bool value_parse(const struct option_spec *spec, const char *text, int64_t *number,
                 struct error *err);

#endif
