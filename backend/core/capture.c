/* SPDX-License-Identifier: Apache-2.0
 *
 * A copy of what a sandbox wrote, as a layer. It stands still while it is copied, so the copy is of
 * one instant, and goes on before the disk has it.
 */
#include "backend/core/core.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

struct capturing {
    struct core *core;
    struct sandbox *sandbox;
    enum sandbox_state from;
    char layer[ID_UUID];
    struct overlays overlays;
    bool is_copied;
    struct error err;
    capture_done done;
    void *ctx;
    struct capturing *next;
};

void captures_each_overlays(const struct core *core,
                            void (*each)(void *ctx, const struct overlays *overlays), void *ctx) {
    for (const struct capturing *at = core->captures; at; at = at->next)
        each(ctx, &at->overlays);
}

bool captures_make_layer(const struct core *core, const char *name) {
    const struct capturing *at = core->captures;
    while (at && strcmp(at->layer, name) != 0)
        at = at->next;
    return at;
}

static void take_out(struct capturing *c) {
    struct capturing **at = &c->core->captures;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
}

static void finish(struct capturing *c) {
    const struct error *err = c->err.kind ? &c->err : NULL;
    if (err && c->is_copied)
        runtime_discard_layer(c->core->config.runtime, c->layer);
    take_out(c); /* what is done with them may be to release them */
    c->done(c->ctx, &c->overlays, err);
    overlays_free(&c->overlays);
    free(c);
}

static void on_synced(void *ctx, const struct error *err) {
    struct capturing *c = ctx;
    if (err)
        c->err = *err;
    finish(c);
}

static void on_going_on(void *ctx, const struct error *err) {
    struct capturing *c = ctx;
    (void)err; /* lost: that is met when the change is over */
    sandbox_settle(c->sandbox, c->from);
    if (c->err.kind)
        finish(c);
    else
        runtime_sync(c->core->config.runtime, on_synced, c);
}

static void go_on(struct capturing *c) {
    if (c->from == SANDBOX_PAUSED)
        on_going_on(c, NULL);
    else
        guest_resume(c->sandbox->guest, on_going_on, c);
}

static void on_copied(void *ctx, const struct error *err) {
    struct capturing *c = ctx;
    struct runtime *rt = c->core->config.runtime;
    c->is_copied = !err;
    if (err)
        c->err = *err;
    else if (!overlays_copy(&c->overlays, c->sandbox->overlays.at, c->sandbox->overlays.count) ||
             !runtime_stack_layer(rt, c->layer, &c->overlays))
        error_errno(&c->err, ENOMEM, "cannot keep what the sandbox wrote");
    go_on(c);
}

static void on_still(void *ctx, const struct error *err) {
    struct capturing *c = ctx;
    if (err) {
        c->err = *err;
        sandbox_settle(c->sandbox, c->from);
        finish(c);
        return;
    }
    runtime_copy(c->core->config.runtime, c->sandbox->id, c->layer, on_copied, c);
}

/* A layer more for each overlay must fit. */
static bool has_room(const struct sandbox *sandbox, struct error *err) {
    size_t lowers = sandbox->overlays.count;
    for (size_t i = 0; i < sandbox->overlays.count; i++)
        lowers += sandbox->overlays.at[i].lower_count;
    if (lowers <= ZYGOTE_MAX_LAYERS)
        return true;
    error_set(err, ERR_LIMIT, "the sandbox is a snapshot of snapshots too many times over");
    return error_hint(err, "at most %d layers can lie upon each other", ZYGOTE_MAX_LAYERS);
}

void capture(struct sandbox *sandbox, capture_done done, void *ctx) {
    struct capturing *c = memory_need(sizeof(*c));
    struct error err = ERROR_INIT;
    *c = (struct capturing){.core = sandbox->core,
                            .sandbox = sandbox,
                            .from = sandbox->state,
                            .done = done,
                            .ctx = ctx,
                            .next = sandbox->core->captures};
    sandbox->core->captures = c;
    ids_uuid(c->layer);
    if (!has_room(sandbox, &err)) {
        c->err = err;
        finish(c);
        return;
    }
    sandbox_change(sandbox, SANDBOX_SNAPSHOTTING);
    if (c->from == SANDBOX_PAUSED)
        on_still(c, NULL);
    else
        guest_pause(sandbox->guest, on_still, c);
}
