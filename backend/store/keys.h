/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of API keys and access tokens: what tells one when it is shown, and nothing from which
 * it could be made again.
 */
#ifndef E2B_STORE_KEYS_H
#define E2B_STORE_KEYS_H

#include "backend/store/store.h"

enum { KEY_HASH = 32 };

struct key_row {
    const char *id, *name;
    int kind;
    const unsigned char *hash; /* KEY_HASH bytes */
    const char *head, *tail;   /* the ends of its digits, to know it again */
    bool is_first;             /* the one that was generated with the state */
    int64_t created_ms, used_ms;
};

bool store_key_insert(struct store *store, const struct key_row *row, struct error *err);
bool store_key_rename(struct store *store, const char *id, const char *name, struct error *err);
bool store_key_set_used(struct store *store, const char *id, int64_t used_ms, struct error *err);
bool store_key_delete(struct store *store, const char *id, struct error *err);
/* Oldest first. */
bool store_key_each(struct store *store, void (*each)(void *ctx, const struct key_row *row),
                    void *ctx, struct error *err);

#endif
