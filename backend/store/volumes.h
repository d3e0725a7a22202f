/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of volumes.
 */
#ifndef E2B_STORE_VOLUMES_H
#define E2B_STORE_VOLUMES_H

#include "backend/store/store.h"

struct volume_row {
    const char *id, *name;
    int64_t created_ms;
};

bool store_volume_insert(struct store *store, const struct volume_row *row, struct error *err);
bool store_volume_delete(struct store *store, const char *id, struct error *err);
/* Oldest first. */
bool store_volume_each(struct store *store, void (*each)(void *ctx, const struct volume_row *row),
                       void *ctx, struct error *err);

#endif
