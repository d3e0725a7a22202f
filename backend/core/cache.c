/* SPDX-License-Identifier: Apache-2.0
 *
 * See cache.h.
 */
#include "backend/core/cache.h"
#include "backend/core/build_run.h"
#include "backend/core/core.h"
#include "backend/core/kept.h"
#include "backend/core/uploads.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct size {
    char layer[ID_UUID];
    int64_t bytes;
};

struct cache {
    struct core *core;
    struct size *sizes;
    size_t count, at;
    cache_measured done;
    void *ctx;
};

/* ---- sizes ---- */

static struct size *find_size(const struct cache *cache, const char *layer) {
    for (size_t i = 0; i < cache->count; i++)
        if (strcmp(cache->sizes[i].layer, layer) == 0)
            return &cache->sizes[i];
    return NULL;
}

static void cache_free(struct cache *cache) {
    free(cache->sizes);
    free(cache);
}

static void measure_next(struct cache *cache);

static void on_measured(void *ctx, int64_t bytes) {
    struct cache *cache = ctx;
    cache->sizes[cache->at++].bytes = bytes;
    measure_next(cache);
}

static void measure_next(struct cache *cache) {
    if (cache->at < cache->count) {
        runtime_measure_layer(cache->core->config.runtime, cache->sizes[cache->at].layer,
                              on_measured, cache);
        return;
    }
    cache->done(cache->ctx, cache);
    cache_free(cache);
}

bool cache_measure(struct core *core, cache_measured done, void *ctx, struct error *err) {
    struct cache *cache = calloc(1, sizeof(*cache));
    size_t most = 1;
    for (const struct kept *at = core->kept; at; at = at->next)
        most++;
    if (!cache || !(cache->sizes = calloc(most, sizeof(*cache->sizes)))) {
        free(cache);
        return error_errno(err, ENOMEM, "cannot look at what builds keep");
    }
    *cache = (struct cache){.core = core, .sizes = cache->sizes, .done = done, .ctx = ctx};
    for (const struct kept *at = core->kept; at; at = at->next)
        if (*at->state.layer && !find_size(cache, at->state.layer))
            memcpy(cache->sizes[cache->count++].layer, at->state.layer, ID_UUID);
    measure_next(cache);
    return true;
}

/* ---- looking ---- */

/* A step that wrote nothing stands on the layer of an earlier one, whose size is told there. */
static bool is_earliest(const struct kept *kept) {
    for (const struct kept *at = kept->next; at; at = at->next)
        if (strcmp(at->state.layer, kept->state.layer) == 0)
            return false;
    return true;
}

void cache_each_layer(const struct cache *cache,
                      void (*each)(void *ctx, const struct cache_layer *layer), void *ctx) {
    for (const struct kept *at = cache->core->kept; at; at = at->next) {
        const char *name = at->state.layer;
        const struct size *size = find_size(cache, name);
        const struct cache_layer layer = {
            .key = at->key,
            .step = at->step,
            .bytes = !*name || !is_earliest(at) ? 0
                     : size                     ? size->bytes
                                                : -1,
            .used_ms = at->used_ms,
            .layer = name,
        };
        each(ctx, &layer);
    }
}

struct asking {
    const char *layer;
    void (*each)(void *ctx, const char *user);
    void *ctx;
};

static void ask(const struct asking *asking, const struct overlays *overlays, const char *kind,
                const char *name) {
    char user[2 * TEMPLATE_REFERENCE + 16];
    if (!overlays_have_layer(overlays, asking->layer))
        return;
    snprintf(user, sizeof(user), "%s%s", kind, name);
    asking->each(asking->ctx, user);
}

static void ask_recipe(const struct asking *asking, const struct recipe *recipe) {
    char name[2 * TEMPLATE_REFERENCE];
    for (const struct recipe_tag *at = recipe->tags; at; at = at->next) {
        const bool is_default = strcmp(at->tag, TEMPLATE_DEFAULT_TAG) == 0;
        snprintf(name, sizeof(name), "%s%s%s", recipe->name, is_default ? "" : ":",
                 is_default ? "" : at->tag);
        if (at->build->template)
            ask(asking, &at->build->template->overlays, "", name);
    }
    for (const struct build *at = recipe->newest; at; at = at->older)
        if (at->run && build_run_has_layer(at->run, asking->layer)) {
            snprintf(name, sizeof(name), "build %s", at->id);
            asking->each(asking->ctx, name);
        }
}

void cache_each_user(const struct cache *cache, const struct cache_layer *layer,
                     void (*each)(void *ctx, const char *user), void *ctx) {
    const struct asking asking = {.layer = layer->layer, .each = each, .ctx = ctx};
    const struct core *core = cache->core;
    if (!*asking.layer)
        return;
    for (const struct recipe *at = core->recipes; at; at = at->next)
        ask_recipe(&asking, at);
    for (const struct template *at = core->templates; at; at = at->next)
        ask(&asking, &at->overlays, "", *at->name ? at->name : at->id);
    for (const struct sandbox *at = core->newest; at; at = at->older)
        ask(&asking, &at->overlays, "sandbox ", at->id);
}

/* ---- removing ---- */

static bool is_needed(void *ctx, const struct kept *kept) {
    return *kept->state.layer && layer_is_needed(ctx, kept->state.layer);
}

static void prune_file(void *ctx, const struct upload_kept *file) {
    struct cache_freed *freed = ctx;
    if (!upload_remove(file))
        return;
    freed->files++;
    freed->bytes += file->bytes;
}

bool cache_prune(struct cache *cache, bool all, struct cache_freed *freed, struct error *err) {
    struct core *core = cache->core;
    *freed = (struct cache_freed){.bytes = 0};
    recipes_collect(core, INT64_MAX); /* builds that no name leads to any more need none */
    if (!kept_prune(core, all ? NULL : is_needed, core, &freed->layers, err))
        return false;
    for (size_t i = 0; i < cache->count; i++)
        if (cache->sizes[i].bytes > 0 && !layer_is_used(core, cache->sizes[i].layer))
            freed->bytes += cache->sizes[i].bytes;
    layers_sweep(core);
    uploads_each(core, prune_file, freed);
    return true;
}
