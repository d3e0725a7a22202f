/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of secrets. A value comes here sealed and is never looked into.
 */
#ifndef E2B_STORE_SECRETS_H
#define E2B_STORE_SECRETS_H

#include "backend/store/pairs.h"
#include "backend/store/store.h"

struct secret_row {
    const char *id, *name;
    int64_t version;
    const void *sealed;
    size_t sealed_len;
    struct pairs metadata;
    int64_t created_ms, updated_ms;
};

/* Called for each row, which is valid meanwhile. */
typedef void (*secret_each)(void *ctx, const struct secret_row *row);

/* ERR_CONFLICT when the name is taken. */
bool store_secret_insert(struct store *store, const struct secret_row *row, struct error *err);
/* Value, version, metadata and time of the one with this id. */
bool store_secret_update(struct store *store, const struct secret_row *row, struct error *err);
bool store_secret_delete(struct store *store, const char *id, struct error *err);
/* By id or by name; *found is false when there is none. */
bool store_secret_get(struct store *store, const char *key, secret_each each, void *ctx,
                      bool *found, struct error *err);
/* Newest first, those of one millisecond by id: at most `limit` behind (before_ms, after_id). */
bool store_secret_page(struct store *store, int64_t before_ms, const char *after_id, int64_t limit,
                       secret_each each, void *ctx, struct error *err);
bool store_secret_count(struct store *store, int64_t *count, struct error *err);

#endif
