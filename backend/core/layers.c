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

struct search {
    const char *name;
    bool found;
};

static void compare(void *ctx, const char *name) {
    struct search *search = ctx;
    search->found |= strcmp(name, search->name) == 0;
}

typedef void each_fn(const struct overlays *overlays, void (*each)(void *ctx, const char *name),
                     void *ctx);

struct named {
    each_fn *each;
    struct search *search;
};

static void compare_all(void *ctx, const struct overlays *overlays) {
    const struct named *named = ctx;
    named->each(overlays, compare, named->search);
}

static bool is_named(const struct core *core, each_fn *each, const char *name) {
    struct search search = {.name = name};
    for (struct sandbox *at = core->newest; at && !search.found; at = at->older)
        each(&at->overlays, compare, &search);
    for (struct template *at = core->templates; at && !search.found; at = at->next)
        each(&at->overlays, compare, &search);
    struct named named = {.each = each, .search = &search};
    recipes_each_overlays(core, compare_all, &named);
    kept_each_overlays(core, compare_all, &named);
    return search.found;
}

static bool is_used(void *ctx, const char *name) {
    return is_named(ctx, overlays_each_layer, name);
}

static bool is_base_used(void *ctx, const char *key) {
    return is_named(ctx, overlays_each_base, key);
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
