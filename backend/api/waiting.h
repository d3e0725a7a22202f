/* SPDX-License-Identifier: Apache-2.0
 *
 * An exchange whose answer comes later, while its peer may leave before.
 */
#ifndef E2B_API_WAITING_H
#define E2B_API_WAITING_H

#include "backend/api/api.h"

struct waiting;

/* NULL: no memory, and that was answered. */
struct waiting *waiting_begin(struct call *call);
/* The work is done: the exchange to answer, or NULL when nobody waits any more. Frees `waiting`. */
struct exchange *waiting_end(struct waiting *waiting, const struct api **api);

#endif
