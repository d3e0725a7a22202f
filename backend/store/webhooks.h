/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of webhooks: the subscription, and how far its deliveries have come. The secret is kept
 * as it was given, because every signature is made of it; the file is its owner's alone.
 */
#ifndef E2B_STORE_WEBHOOKS_H
#define E2B_STORE_WEBHOOKS_H

#include "backend/store/store.h"

struct webhook_row {
    int64_t number; /* given by the store */
    const char *id, *name, *url, *secret;
    unsigned types; /* bits of event types */
    bool enabled;
    int64_t created_ms;
    int64_t cursor;               /* every event up to it was tried */
    int64_t failures, failing_ms; /* attempts since the last success, and when the first was */
};

bool store_webhook_insert(struct store *store, struct webhook_row *row, struct error *err);
/* Name, url, secret, types, enabled and cursor. */
bool store_webhook_update(struct store *store, const struct webhook_row *row, struct error *err);
bool store_webhook_set_progress(struct store *store, const struct webhook_row *row,
                                struct error *err);
bool store_webhook_delete(struct store *store, int64_t number, struct error *err);
/* Oldest first. */
bool store_webhook_each(struct store *store, void (*each)(void *ctx, const struct webhook_row *row),
                        void *ctx, struct error *err);

#endif
