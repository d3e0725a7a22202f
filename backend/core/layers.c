/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers that were copied, and base templates of an earlier state of the host, live as long as a
 * sandbox or a template is made of them. Nothing counts them: who names one is looked for when it
 * may be the last.
 */
#include "backend/core/build_run.h"
#include "backend/core/core.h"
#include "backend/core/kept.h"
#include "backend/core/recipe.h"

#include <string.h>

typedef bool has_fn(const struct overlays *overlays, const char *name);

struct search {
    has_fn *has;
    const char *name;
    bool found;
};

static void look(void *ctx, const struct overlays *overlays) {
    struct search *search = ctx;
    search->found = search->found || search->has(overlays, search->name);
}

/* By anything but what is only kept for the next build. */
static bool is_needed(const struct core *core, has_fn *has, const char *name) {
    struct search search = {.has = has, .name = name};
    for (struct sandbox *at = core->newest; at && !search.found; at = at->older)
        look(&search, &at->overlays);
    for (struct template *at = core->templates; at && !search.found; at = at->next)
        look(&search, &at->overlays);
    recipes_each_overlays(core, look, &search);
    captures_each_overlays(core, look, &search);
    return search.found;
}

static bool is_kept(const struct core *core, has_fn *has, const char *name) {
    struct search search = {.has = has, .name = name};
    kept_each_overlays(core, look, &search);
    return search.found;
}

bool layer_is_needed(const struct core *core, const char *name) {
    return is_needed(core, overlays_have_layer, name) || recipes_make_layer(core, name) ||
           captures_make_layer(core, name);
}

bool layer_is_used(const struct core *core, const char *name) {
    return layer_is_needed(core, name) || is_kept(core, overlays_have_layer, name);
}

static bool is_used(void *ctx, const char *name) {
    return layer_is_used(ctx, name);
}

static bool is_base_used(void *ctx, const char *key) {
    return is_needed(ctx, overlays_have_base, key) || is_kept(ctx, overlays_have_base, key);
}

static void release(void *ctx, const char *name) {
    struct core *core = ctx;
    if (!is_used(core, name))
        runtime_discard_layer(core->config.runtime, name);
}

static void release_base(void *ctx, const char *key) {
    struct core *core = ctx;
    if (!is_base_used(core, key))
        runtime_discard_base(core->config.runtime, key);
}

void layers_release(struct core *core, const struct overlays *overlays) {
    overlays_each_layer(overlays, release, core);
    overlays_each_base(overlays, release_base, core);
}

void layers_sweep(struct core *core) {
    runtime_sweep_layers(core->config.runtime, is_used, core);
    runtime_sweep_bases(core->config.runtime, is_base_used, core);
}
