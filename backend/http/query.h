/* SPDX-License-Identifier: Apache-2.0
 *
 * Percent-encoding and query strings: pure functions over bytes.
 */
#ifndef E2B_HTTP_QUERY_H
#define E2B_HTTP_QUERY_H

#include "common/http1.h"

/* Cuts the next "key=value" off `rest`; both still encoded. False at the end. */
bool query_next(struct slice *rest, struct slice *key, struct slice *value);
/* Decodes into `out` (len + 1 bytes); false for bad escapes and for a NUL. In queries '+' means a
 * space. */
bool query_decode(struct slice text, char *out, bool plus_is_space);

#endif
