/* SPDX-License-Identifier: Apache-2.0
 *
 * A length of time in the body of a request.
 */
#ifndef E2B_API_SECONDS_H
#define E2B_API_SECONDS_H

#include "backend/http/route.h"

/* Of the field, if it is there. With INT32_MAX as the most a negative one is let through. False:
 * the answer was given. */
bool seconds_read(struct call *call, const char *field, bool required, int64_t max,
                  int64_t *seconds);

#endif
