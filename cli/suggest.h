/* SPDX-License-Identifier: Apache-2.0
 *
 * "(Did you mean list?)": the known words nearest to what was typed.
 */
#ifndef E2B_CLI_SUGGEST_H
#define E2B_CLI_SUGGEST_H

#include "common/error.h"

/* Gives `err` a hint if any of `names` (NULL-terminated) is near. Returns false, for `return`. */
bool suggest(const char *typed, const char *const *names, struct error *err);

#endif
