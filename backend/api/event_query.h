/* SPDX-License-Identifier: Apache-2.0
 *
 * The query parameters that events and deliveries have in common. What is absent leaves the value
 * as it is.
 */
#ifndef E2B_API_EVENT_QUERY_H
#define E2B_API_EVENT_QUERY_H

#include "backend/api/api.h"

bool event_query_number(struct exchange *x, const char *name, int64_t least, int64_t most,
                        int64_t *number, struct error *err);
bool event_query_bool(struct exchange *x, const char *name, bool *value, struct error *err);
bool event_query_time(struct exchange *x, const char *name, int64_t *ms, struct error *err);
/* Adds the types that are named, separated by commas, to the bits. */
bool event_query_types(const char *text, const char *name, unsigned *types, struct error *err);

#endif
