/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets: a name, metadata and a value that goes in and never comes out over any interface. The
 * store has it sealed with the key in the file secret-key, which is made with the first secret.
 */
#ifndef E2B_CORE_SECRETS_H
#define E2B_CORE_SECRETS_H

#include "backend/core/sandbox.h"
#include "backend/store/secrets.h"

enum {
    SECRET_NAME = 128,
    SECRET_VALUE = 64 << 10,
    SECRET_PAIRS = 32,
    SECRET_PAIR_KEY = 128,
    SECRET_PAIR_VALUE = 1024,
    SECRET_METADATA = 8192, /* bytes of all pairs together */
    SECRETS_MAX = 10000,
};

struct secret_request {
    const char *name; /* of a new one */
    const char *value;
    const struct pairs *metadata; /* NULL: none, or as it is */
};

/* `each` gets the secret as it then is, once; its `sealed` is nobody's business. */
bool secret_create(struct core *core, const struct secret_request *request, secret_each each,
                   void *ctx, struct error *err);
/* `key` is an id or a name, in any case of letters. */
bool secret_update(struct core *core, const char *key, const struct secret_request *request,
                   secret_each each, void *ctx, struct error *err);
bool secret_get(struct core *core, const char *key, secret_each each, void *ctx, struct error *err);
bool secret_delete(struct core *core, const char *key, struct error *err);
/* Newest first: at most `limit` behind (before_ms, after_id). */
bool secret_page(struct core *core, int64_t before_ms, const char *after_id, int64_t limit,
                 secret_each each, void *ctx, struct error *err);

#endif
