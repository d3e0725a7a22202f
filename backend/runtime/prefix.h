/* SPDX-License-Identifier: Apache-2.0
 *
 * IPv4 prefixes, "1.2.3.4" or "1.2.0.0/16", in numbers and in their one normal form.
 */
#ifndef E2B_RUNTIME_PREFIX_H
#define E2B_RUNTIME_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

enum { PREFIX_TEXT = 24 };

struct prefix {
    uint32_t address; /* host byte order; bits behind the prefix are 0 */
    unsigned bits;
};

bool prefix_parse(const char *text, struct prefix *prefix);
void prefix_print(const struct prefix *prefix, char out[static PREFIX_TEXT]);
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);

#endif
