/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers that were copied live as long as a sandbox or a template is made of them. Nothing counts
 * them: who names one is looked for when it may be the last.
 */
#include "backend/core/core.h"

#include <string.h>

struct search {
    const char *name;
    bool found;
};

static void compare(void *ctx, const char *name) {
    struct search *search = ctx;
    search->found |= strcmp(name, search->name) == 0;
}

static bool is_used(void *ctx, const char *name) {
    struct core *core = ctx;
    struct search search = {.name = name};
    for (struct sandbox *at = core->newest; at && !search.found; at = at->older)
        overlays_each_layer(&at->overlays, compare, &search);
    for (struct template *at = core->templates; at && !search.found; at = at->next)
        overlays_each_layer(&at->overlays, compare, &search);
    return search.found;
}

static void release(void *ctx, const char *name) {
    struct core *core = ctx;
    if (!is_used(core, name))
        runtime_discard_layer(core->config.runtime, name);
}

void layers_release(struct core *core, const struct overlays *overlays) {
    overlays_each_layer(overlays, release, core);
}

void layers_sweep(struct core *core) {
    runtime_sweep_layers(core->config.runtime, is_used, core);
}
