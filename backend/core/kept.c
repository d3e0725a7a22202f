/* SPDX-License-Identifier: Apache-2.0
 *
 * See kept.h.
 */
#include "backend/core/kept.h"
#include "backend/core/core.h"
#include "backend/store/builds.h"
#include "common/log.h"

#include <stdio.h>
#include <string.h>

enum { MAX_STEP = 200 };

void build_state_free(struct build_state *state) {
    overlays_free(&state->overlays);
    free(state->user);
    free(state->workdir);
    pairs_free(&state->env);
    pairs_free(&state->args);
    *state = (struct build_state){.user = NULL};
}

bool build_state_copy(struct build_state *to, const struct build_state *from) {
    *to = (struct build_state){.user = strdup(from->user), .workdir = strdup(from->workdir)};
    memcpy(to->layer, from->layer, sizeof(to->layer));
    if (to->user && to->workdir && pairs_copy(&to->env, &from->env) &&
        overlays_copy(&to->overlays, from->overlays.at, from->overlays.count))
        return true;
    build_state_free(to);
    return false;
}

static void discard(struct kept *kept) {
    build_state_free(&kept->state);
    free(kept->step);
    free(kept);
}

void kept_free(struct core *core) {
    while (core->kept) {
        struct kept *kept = core->kept;
        core->kept = kept->next;
        discard(kept);
    }
}

static void on_row(void *ctx, const struct kept_row *row) {
    struct core *core = ctx;
    struct error err = ERROR_INIT;
    struct build_state state = {.user = (char *)(uintptr_t)row->user,
                                .workdir = (char *)(uintptr_t)row->workdir,
                                .env = row->env};
    cleanup_json json_t *overlays = json_parse(row->overlays, strlen(row->overlays), &err);
    snprintf(state.layer, sizeof(state.layer), "%s", row->layer);
    if (!overlays || !overlays_parse(&state.overlays, overlays))
        return;
    kept_add(core, row->key, row->step, &state);
    overlays_free(&state.overlays);
    if (core->kept) {
        core->kept->is_saved = true;
        core->kept->used_ms = row->used_ms;
        core->kept->made_ms = 0;
    }
}

bool kept_load(struct core *core, struct error *err) {
    return store_kept_each(core->config.store, on_row, core, err);
}

const struct build_state *kept_find(struct core *core, const char *key, int64_t since_ms) {
    struct kept *at = core->kept;
    while (at && (at->made_ms < since_ms || strcmp(at->key, key) != 0))
        at = at->next;
    if (!at)
        return NULL;
    at->used_ms = clock_now_ms();
    at->is_saved = false;
    return &at->state;
}

/* Newest first. No memory: it is not kept. */
void kept_add(struct core *core, const char *key, const char *step,
              const struct build_state *state) {
    struct kept *kept = calloc(1, sizeof(*kept));
    size_t len = strnlen(step, MAX_STEP);
    while (len && (step[len] & 0xc0) == 0x80) /* not amid a character */
        len--;
    if (!kept || !(kept->step = strndup(step, len)) || !build_state_copy(&kept->state, state)) {
        if (kept)
            free(kept->step);
        free(kept);
        return;
    }
    snprintf(kept->key, sizeof(kept->key), "%s", key);
    kept->used_ms = kept->made_ms = clock_now_ms();
    kept->next = core->kept;
    core->kept = kept;
}

static bool save(struct core *core, struct kept *kept, struct error *err) {
    cleanup_json json_t *layers = overlays_print(&kept->state.overlays);
    cleanup_free char *overlays = json_dumps(layers, JSON_COMPACT);
    const struct kept_row row = {
        .key = kept->key,
        .step = kept->step,
        .layer = kept->state.layer,
        .overlays = overlays,
        .user = kept->state.user,
        .workdir = kept->state.workdir,
        .env = kept->state.env,
        .used_ms = kept->used_ms,
    };
    return overlays && store_kept_put(core->config.store, &row, err);
}

void kept_save(struct core *core) {
    struct error err = ERROR_INIT;
    for (struct kept *at = core->kept; at; at = at->next)
        if (!at->is_saved) {
            at->is_saved = save(core, at, &err);
            if (!at->is_saved)
                log_warn("a layer will not be known to the next backend", "error", err.message);
        }
}

void kept_each_overlays(const struct core *core,
                        void (*each)(void *ctx, const struct overlays *overlays), void *ctx) {
    for (const struct kept *at = core->kept; at; at = at->next)
        each(ctx, &at->state.overlays);
}

static bool take_out(struct core *core, struct kept **at, struct error *err) {
    if (!store_kept_delete(core->config.store, (*at)->key, err))
        return false;
    *at = (*at)->next;
    return true;
}

void kept_collect(struct core *core, int64_t before_ms) {
    struct error err = ERROR_INIT;
    unsigned count = 0;
    for (struct kept **at = &core->kept; *at;) {
        struct kept *kept = *at;
        if (++count <= KEPT_MAX && kept->used_ms >= before_ms) {
            at = &kept->next;
            continue;
        }
        if (!take_out(core, at, &err))
            return;
        layers_release(core, &kept->state.overlays);
        discard(kept);
    }
}

bool kept_prune(struct core *core, bool (*is_needed)(void *ctx, const struct kept *kept), void *ctx,
                unsigned *gone, struct error *err) {
    *gone = 0;
    for (struct kept **at = &core->kept; *at;) {
        struct kept *kept = *at;
        if (is_needed && is_needed(ctx, kept)) {
            at = &kept->next;
            continue;
        }
        if (!take_out(core, at, err))
            return false;
        discard(kept);
        ++*gone;
    }
    return true;
}
