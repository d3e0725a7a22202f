/* SPDX-License-Identifier: Apache-2.0
 *
 * What happened to sandboxes and what webhooks were told of it: to be looked at, to be told again,
 * and, to try a receiver, made up.
 */
#ifndef E2B_CORE_HISTORY_H
#define E2B_CORE_HISTORY_H

#include "backend/core/webhook.h"

bool history_events(const struct webhooks *webhooks, const struct event_query *query,
                    event_each each, void *ctx, struct error *err);
/* The same for a page that takes long (store_event_is_deep): `each` is called on a thread of the
 * pool, and then `done` on the loop, unless false was returned. */
bool history_events_later(const struct webhooks *webhooks, const struct event_query *query,
                          event_each each, void (*done)(void *ctx, struct error *err), void *ctx,
                          struct error *err);
/* `query` without a webhook: of this one. Attempts come as from store_delivery_list. */
bool history_deliveries(const struct webhook *webhook, struct delivery_query *query,
                        bool (*each)(void *ctx, const struct event_row *event,
                                     const struct delivery_row *delivery),
                        void *ctx, struct error *err);
bool history_stats(const struct webhook *webhook, struct delivery_query *query, int64_t bucket_ms,
                   void (*each)(void *ctx, const struct delivery_stats *stats), void *ctx,
                   struct error *err);
/* Has an event delivered once more, whatever became of it before. */
bool history_resend(struct webhook *webhook, const char *event_id, struct error *err);
/* Writes an event that did not happen, for every subscriber. `sandbox_id` may be NULL. */
bool history_trigger(struct webhooks *webhooks, enum event_type type, const char *sandbox_id,
                     char id[static ID_UUID], struct error *err);

#endif
