/* SPDX-License-Identifier: Apache-2.0
 *
 * What the calls on webhooks and on their deliveries share.
 */
#ifndef E2B_API_WEBHOOK_JSON_H
#define E2B_API_WEBHOOK_JSON_H

#include "backend/api/api.h"

/* The webhook of the path's first parameter, or NULL and the answer was given. */
struct webhook *webhook_of_call(struct call *call);

#endif
