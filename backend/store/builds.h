/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of what templates are built with: recipes (a name, whose builds and tags come and go),
 * builds, tags, and the layers that are kept for the next build.
 */
#ifndef E2B_STORE_BUILDS_H
#define E2B_STORE_BUILDS_H

#include "backend/store/pairs.h"
#include "backend/store/store.h"

struct recipe_row {
    const char *id, *name;
    bool is_public;
    int64_t created_ms, updated_ms, spawned_ms, spawn_count;
};

/* The numbers are in the file. */
enum build_status { BUILD_WAITING = 1, BUILD_BUILDING, BUILD_READY, BUILD_FAILED };

struct build_row {
    const char *id, *recipe_id;
    enum build_status status;
    int64_t created_ms, updated_ms, finished_ms;
    int64_t cpus, memory_mb;
    const char *tags; /* that it gets when it is ready: a JSON array */
    const char *start_cmd, *ready_cmd, *user, *workdir;
    struct pairs env;
    const char *overlays;             /* JSON; "{}": none (any more) */
    const char *reason, *reason_step; /* why it failed, and at which step */
};

struct tag_row {
    const char *recipe_id, *tag, *build_id;
    int64_t created_ms;
};

/* What a step left, found by what it was made of. */
struct kept_row {
    const char *key, *step, *layer, *overlays, *user, *workdir;
    struct pairs env;
    int64_t used_ms;
};

bool store_recipe_put(struct store *store, const struct recipe_row *row, struct error *err);
/* With its builds, their logs and its tags. */
bool store_recipe_delete(struct store *store, const char *id, struct error *err);
bool store_build_put(struct store *store, const struct build_row *row, struct error *err);
bool store_tag_put(struct store *store, const struct tag_row *row, struct error *err);
bool store_tag_delete(struct store *store, const char *recipe_id, const char *tag,
                      struct error *err);
bool store_kept_put(struct store *store, const struct kept_row *row, struct error *err);
bool store_kept_delete(struct store *store, const char *key, struct error *err);

/* What `each` gets is valid during the call. Oldest first. */
bool store_recipe_each(struct store *store, void (*each)(void *ctx, const struct recipe_row *row),
                       void *ctx, struct error *err);
bool store_build_each(struct store *store, void (*each)(void *ctx, const struct build_row *row),
                      void *ctx, struct error *err);
bool store_tag_each(struct store *store, void (*each)(void *ctx, const struct tag_row *row),
                    void *ctx, struct error *err);
bool store_kept_each(struct store *store, void (*each)(void *ctx, const struct kept_row *row),
                     void *ctx, struct error *err);

#endif
