/* SPDX-License-Identifier: Apache-2.0
 *
 * All that is kept for the next build, looked at and removed on demand: the layers that steps left
 * (kept.h), with what they take on the disk, and the archives of files (uploads.h). What a
 * template, a build under way or a sandbox is made of is never removed.
 */
#ifndef E2B_CORE_CACHE_H
#define E2B_CORE_CACHE_H

#include "common/error.h"

struct core;
struct cache; /* the size of each layer, as it was measured */

/* Measures one layer after the other, in other processes. `cache` is gone after the call, which
 * does not come when the daemon stops. */
typedef void (*cache_measured)(void *ctx, struct cache *cache);
bool cache_measure(struct core *core, cache_measured done, void *ctx, struct error *err);

struct cache_layer {
    const char *key, *step;
    int64_t bytes;   /* 0: the step wrote nothing; -1: not known */
    int64_t used_ms; /* when a build last did */
    const void *layer;
};
void cache_each_layer(const struct cache *cache,
                      void (*each)(void *ctx, const struct cache_layer *layer), void *ctx);
/* Tells who is made of it: "NAME", "NAME:TAG", "build ID" or "sandbox ID". */
void cache_each_user(const struct cache *cache, const struct cache_layer *layer,
                     void (*each)(void *ctx, const char *user), void *ctx);

struct cache_freed {
    unsigned layers, files;
    int64_t bytes;
};
/* `all`: also forgets what is used; the layer is there as long as that. */
bool cache_prune(struct cache *cache, bool all, struct cache_freed *freed, struct error *err);

#endif
