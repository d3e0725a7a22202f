/* SPDX-License-Identifier: Apache-2.0
 *
 * The layers that a sandbox was made of, owned by whoever holds them, and as text for the store:
 * {"/": ["topmost", ..., "lowest"], "/usr": [...]}.
 */
#ifndef E2B_RUNTIME_OVERLAYS_H
#define E2B_RUNTIME_OVERLAYS_H

#include "backend/runtime/plan.h"

#define OVERLAYS_BASE   "base/"   /* ... and that of a layer of a base template */
#define OVERLAYS_LAYERS "layers/" /* how the name of a layer of our own begins */

struct overlays {
    struct plan_overlay at[ZYGOTE_MAX_OVERLAYS];
    size_t count;
};

bool overlays_copy(struct overlays *to, const struct plan_overlay *from, size_t count);
void overlays_free(struct overlays *overlays);
/* Puts a layer on top of one of them. */
bool overlays_push(struct plan_overlay *overlay, const char *layer);
json_t *overlays_print(const struct overlays *overlays);
bool overlays_parse(struct overlays *overlays, const json_t *object);
/* Each base template: KEY of "base/KEY/...". May come twice. */
void overlays_each_base(const struct overlays *overlays, void (*each)(void *ctx, const char *key),
                        void *ctx);
/* Each layer of our own: NAME of "layers/NAME/...". May come twice. */
void overlays_each_layer(const struct overlays *overlays, void (*each)(void *ctx, const char *name),
                         void *ctx);
bool overlays_have_base(const struct overlays *overlays, const char *key);
bool overlays_have_layer(const struct overlays *overlays, const char *name);

#endif
