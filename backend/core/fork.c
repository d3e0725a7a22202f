/* SPDX-License-Identifier: Apache-2.0
 *
 * New sandboxes over what one wrote: copied once, a layer below all of them. Each starts anew; one
 * that cannot is an error among the results.
 */
#include "backend/core/core.h"
#include "backend/core/logs.h"
#include "backend/core/volumes.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct forking {
    struct order order;
    int64_t timeout_s;
    unsigned count, left;
    struct fork_child {
        struct forking *forking;
        unsigned index;
    } children[FORK_MAX];
    struct fork_result *results;
    bool is_used; /* by a child, with whose end the copy goes */
    struct overlays overlays;
    sandbox_forked done;
    void *ctx;
};

static void forking_free(struct forking *f) {
    overlays_free(&f->overlays);
    free(f->results);
    free(f);
}

static void fail(struct order *order, const struct error *err) {
    struct forking *f = container_of(order, struct forking, order);
    f->done(f->ctx, NULL, 0, err);
    forking_free(f);
}

static void finish_one(struct forking *f) {
    if (--f->left)
        return;
    if (!f->is_used)
        layers_release(f->order.core, &f->overlays);
    f->done(f->ctx, f->results, f->count, NULL);
    forking_free(f);
}

static void on_made(void *ctx, struct sandbox *sandbox, const struct error *err) {
    const struct fork_child *child = ctx;
    struct fork_result *result = &child->forking->results[child->index];
    if (sandbox)
        memcpy(result->id, sandbox->id, sizeof(result->id));
    else
        result->err = *err;
    finish_one(child->forking);
}

static bool copy_network(struct network_rules *to, const struct network_rules *from) {
    cleanup(pairs_free) struct pairs pairs;
    return network_rules_to_pairs(from, &pairs) && network_rules_from_pairs(to, &pairs);
}

static void make_one(struct forking *f, unsigned index, const struct sandbox *parent,
                     const struct template *template) {
    const struct sandbox_origin origin = {
        .template = template, .overlays = &f->overlays, .event = EVENT_RESUMED};
    struct error err = ERROR_INIT;
    struct sandbox_request request = {
        .timeout_s = f->timeout_s, .secure = parent->secure, .lifecycle = parent->lifecycle};
    f->children[index] = (struct fork_child){f, index};
    if (pairs_copy(&request.metadata, &parent->metadata) &&
        pairs_copy(&request.env, &parent->env) &&
        volumes_names(f->order.core, &parent->mounts, &request.mounts) &&
        copy_network(&request.network, &parent->network)) {
        sandbox_make(f->order.core, &origin, &request, on_made, &f->children[index]);
        f->is_used |= !f->results[index].err.kind;
    } else {
        error_errno(&err, ENOMEM, "cannot make a sandbox");
        on_made(&f->children[index], NULL, &err);
    }
    sandbox_request_free(&request);
}

static void on_captured(void *ctx, const struct overlays *overlays, const struct error *err) {
    struct forking *f = ctx;
    struct core *core = f->order.core;
    struct error own = ERROR_INIT;
    if (err) {
        fail(&f->order, err);
        return;
    }
    struct sandbox *parent = sandbox_lookup(core, f->order.id, &own);
    const struct template *template =
        parent ? template_by_id(core, parent->template_id, parent->build_id) : NULL;
    if (!template || !record_checkpoint(parent, NULL, &own) ||
        !overlays_copy(&f->overlays, overlays->at, overlays->count)) {
        if (!own.kind)
            error_set(&own, ERR_INTERNAL, "cannot fork the sandbox");
        layers_release(core, overlays);
        fail(&f->order, &own);
        return;
    }
    sandbox_log(parent, LOG_INFO, "forked into %u", f->count);
    /* The environment of the template is in the parent's. */
    struct template bare = *template;
    bare.env = (struct pairs){NULL, 0};
    f->left = f->count + 1;
    for (unsigned i = 0; i < f->count; i++)
        make_one(f, i, parent, &bare);
    finish_one(f);
}

static void begin(struct order *order, struct sandbox *sandbox) {
    struct forking *f = container_of(order, struct forking, order);
    struct error err = ERROR_INIT;
    if (sandbox->state == SANDBOX_PAUSED)
        error_set(&err, ERR_CONFLICT,
                  "Sandbox '%s' is paused and cannot be forked; resume it first", sandbox->id);
    else if (!limits_count(order->core, f->count, &err))
        err.kind = ERR_INVALID; /* the hosted API says so of forks alone */
    if (err.kind)
        fail(order, &err);
    else
        capture(sandbox, on_captured, f);
}

void sandbox_fork(struct core *core, const char *id, int64_t timeout_s, unsigned count,
                  sandbox_forked done, void *ctx) {
    struct error err = ERROR_INIT;
    struct forking *f = memory_need(sizeof(*f));
    *f = (struct forking){.order = {.core = core, .begin = begin, .fail = fail},
                          .timeout_s = timeout_s,
                          .count = count,
                          .done = done,
                          .ctx = ctx};
    f->results = memory_need(count * sizeof(*f->results));
    if (sandbox_check_timeout(core, timeout_s, &err))
        order_give(&f->order, id);
    else
        fail(&f->order, &err);
}
