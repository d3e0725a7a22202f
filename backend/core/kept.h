/* SPDX-License-Identifier: Apache-2.0
 *
 * What the steps of builds left, kept for the next build: found by a key of all that it was made
 * of. What has not been used for long, or is more than KEPT_MAX, goes.
 */
#ifndef E2B_CORE_KEPT_H
#define E2B_CORE_KEPT_H

#include "backend/runtime/overlays.h"
#include "backend/store/pairs.h"
#include "common/ids.h"

struct core;

enum { KEPT_KEY = 64 + 1, KEPT_MAX = 1000 };

/* What a step leaves to the next one. */
struct build_state {
    struct overlays overlays;
    char *user, *workdir; /* workdir "": none was set */
    struct pairs env;
    struct pairs args;   /* of ARG: for the steps of this stage alone, and never kept */
    char layer[ID_UUID]; /* the newest that a step wrote; "": none did */
};

void build_state_free(struct build_state *state);
bool build_state_copy(struct build_state *to, const struct build_state *from);

struct kept {
    char key[KEPT_KEY];
    char *step; /* for people */
    struct build_state state;
    int64_t used_ms, made_ms; /* made_ms 0: by another daemon */
    bool is_saved;
    struct kept *next;
};

bool kept_load(struct core *core, struct error *err);
void kept_free(struct core *core);
/* NULL: none that was made since. It was used now. */
const struct build_state *kept_find(struct core *core, const char *key, int64_t since_ms);
/* Until kept_save a crash of the daemon forgets it. */
void kept_add(struct core *core, const char *key, const char *step,
              const struct build_state *state);
/* The disk has the layers. */
void kept_save(struct core *core);
void kept_each_overlays(const struct core *core,
                        void (*each)(void *ctx, const struct overlays *overlays), void *ctx);
/* Those not used since, and the oldest of too many. */
void kept_collect(struct core *core, int64_t before_ms);
/* Those alone that `is_needed` stay (NULL: none); *gone is how many went. Their layers are the
 * caller's to sweep. */
bool kept_prune(struct core *core, bool (*is_needed)(void *ctx, const struct kept *kept), void *ctx,
                unsigned *gone, struct error *err);

#endif
