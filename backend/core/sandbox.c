/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a sandbox: made, recorded, ended. A sandbox exists for others once its row is
 * committed; what the daemon dies before is swept by the next one.
 */
#include "backend/core/core.h"
#include "backend/core/recipe.h"
#include "backend/core/logs.h"
#include "backend/core/template.h"
#include "backend/core/volumes.h"
#include "backend/store/sandboxes.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct sandbox *sandbox_new(struct core *core, const char *id) {
    struct sandbox *sandbox = calloc(1, sizeof(*sandbox));
    if (!sandbox)
        return NULL;
    sandbox->core = core;
    snprintf(sandbox->id, sizeof(sandbox->id), "%s", id);
    return sandbox;
}

void sandbox_free(struct sandbox *sandbox) {
    sandbox_log_free(sandbox);
    pairs_free(&sandbox->metadata);
    pairs_free(&sandbox->env);
    pairs_free(&sandbox->mounts);
    network_rules_free(&sandbox->network);
    overlays_free(&sandbox->overlays);
    free(sandbox->making);
    free(sandbox);
}

bool sandbox_set_access(struct sandbox *sandbox, bool secure, struct error *err) {
    char name[sizeof("sandbox-traffic-") + ID_SANDBOX];
    sandbox->secure = secure;
    snprintf(name, sizeof(name), "sandbox-traffic-%s", sandbox->id);
    bool ok = !secure || token_make(sandbox->core, sandbox->id, sandbox->access_token);
    if (ok && sandbox->network.is_private)
        ok = token_make(sandbox->core, name, sandbox->traffic_token);
    return ok || error_set(err, ERR_INTERNAL, "cannot make an access token");
}

void sandbox_set_template(struct sandbox *sandbox, const struct template *template) {
    snprintf(sandbox->template_id, sizeof(sandbox->template_id), "%s", template->id);
    snprintf(sandbox->build_id, sizeof(sandbox->build_id), "%s", template->build_id);
    sandbox->alias = template->alias;
    sandbox->default_user = template->default_user;
    sandbox->default_workdir = template->default_workdir;
}

void core_tell_idle(struct core *core) {
    bool idle = sandbox_count_alive(core) == 0 && !core->builds;
    if (idle != core->idle && core->config.idle_changed)
        core->config.idle_changed(core->config.ctx, idle);
    core->idle = idle;
}

void sandbox_enter(struct sandbox *sandbox) {
    registry_add(sandbox->core, sandbox);
    core_tell_idle(sandbox->core);
}

void sandbox_leave(struct sandbox *sandbox) {
    struct core *core = sandbox->core;
    struct overlays overlays = sandbox->overlays;
    sandbox->overlays.count = 0;
    registry_remove(core, sandbox);
    sandbox_drop_waits(sandbox);
    sandbox_free(sandbox);
    layers_release(core, &overlays);
    overlays_free(&overlays);
    core_tell_idle(core);
}

bool sandbox_set_overlays(struct sandbox *sandbox, const struct overlays *overlays,
                          struct error *err) {
    struct plan_overlay base[ZYGOTE_MAX_OVERLAYS];
    size_t count = overlays->count;
    if (!count)
        count = runtime_base_overlays(sandbox->core->config.runtime, base);
    return overlays_copy(&sandbox->overlays, overlays->count ? overlays->at : base, count) ||
           error_errno(err, ENOMEM, "cannot make a sandbox");
}

void sandbox_begin(struct sandbox *sandbox) {
    /* Past its time nobody would end it if this daemon were gone; one that is to be paused then
     * waits for the next. */
    guest_set_deadline(sandbox->guest,
                       sandbox->lifecycle.pauses ? 0 : steady_boot_s(sandbox->end_ms) + 1);
    timeouts_watch(sandbox->core, sandbox);
}

/* ---- making ----------------------------------------------------------------------------------
 */

struct making {
    enum event_type event;
    sandbox_done done;
    void *ctx;
};

void sandbox_fill_plan(const struct sandbox *sandbox, struct plan *plan) {
    *plan = (struct plan){.limits = sandbox->limits,
                          .network = network_rules_plan(&sandbox->network),
                          .overlay_count = sandbox->overlays.count};
    snprintf(plan->id, sizeof(plan->id), "%s", sandbox->id);
    snprintf(plan->template_id, sizeof(plan->template_id), "%s", sandbox->template_id);
    plan->mounts = (struct plan_mounts){sandbox->mounts.at, sandbox->mounts.count};
    memcpy(plan->overlays, sandbox->overlays.at, sizeof(plan->overlays));
}

static void on_ready(void *ctx, struct guest *guest, const struct error *err) {
    struct sandbox *sandbox = ctx;
    struct error own = ERROR_INIT;
    struct making *making = steal_ptr(&sandbox->making);
    sandbox->execution_ms = steady_now_ms();
    sandbox->end_ms = sandbox->execution_ms + sandbox->timeout_s * 1000;
    if (guest && !record_created(sandbox, making->event, &own)) {
        guest_kill(steal_ptr(&guest), NULL, NULL);
        err = &own;
    }
    if (guest) {
        sandbox->guest = guest;
        sandbox_change(sandbox, SANDBOX_RUNNING);
        sandbox_begin(sandbox);
        metrics_count_start(sandbox->core);
        sandbox_log(sandbox, LOG_INFO, "created from template %s", sandbox->template_id);
        recipe_count_spawn(sandbox->core, sandbox->template_id);
        sandbox_warm(sandbox, true, making->done, making->ctx);
    } else {
        sandbox_leave(sandbox);
        making->done(making->ctx, NULL, err);
    }
    free(making);
}

static struct sandbox *new_sandbox(struct core *core) {
    struct sandbox *sandbox = sandbox_new(core, "");
    if (!sandbox)
        return NULL;
    sandbox->making = calloc(1, sizeof(*sandbox->making));
    if (sandbox->making)
        return sandbox;
    sandbox_free(sandbox);
    return NULL;
}

/* Takes the request's network, also when it fails. */
static struct sandbox *plan_sandbox(struct core *core, const struct sandbox_origin *origin,
                                    struct sandbox_request *request, struct plan *plan,
                                    struct error *err) {
    const struct template *template = origin->template;
    if (!limits_check(core, request, err))
        return NULL;
    struct sandbox *sandbox = new_sandbox(core);
    if (!sandbox) {
        error_errno(err, ENOMEM, "cannot make a sandbox");
        return NULL;
    }
    sandbox->started_ms = clock_now_ms();
    ids_uuid(sandbox->execution_id);
    sandbox_set_template(sandbox, template);
    sandbox->network = request->network;
    request->network = (struct network_rules){.internet = false};
    sandbox->limits = plan_default_limits;
    if (template->cpus)
        sandbox->limits.cpus = (uint32_t) template->cpus;
    if (template->memory_mb)
        sandbox->limits.memory_bytes = (uint64_t) template->memory_mb << 20;
    sandbox->timeout_s = request->timeout_s;
    sandbox->lifecycle = request->lifecycle;
    if (volumes_resolve(core, &request->mounts, &sandbox->mounts, err) &&
        sandbox_set_overlays(sandbox, origin->overlays ? origin->overlays : &template->overlays,
                             err)) {
        sandbox_fill_plan(sandbox, plan);
        if (!runtime_spare(core->config.runtime, plan))
            ids_sandbox(plan->id);
        memcpy(sandbox->id, plan->id, sizeof(sandbox->id));
        if (sandbox_set_access(sandbox, request->secure, err) && plan_check(plan, err))
            return sandbox;
    }
    sandbox_free(sandbox);
    return NULL;
}

void sandbox_request_free(struct sandbox_request *request) {
    network_rules_free(&request->network);
    pairs_free(&request->metadata);
    pairs_free(&request->env);
    pairs_free(&request->mounts);
}

/* The template's environment first: what is asked for wins. */
static bool take_env(struct sandbox *sandbox, const struct template *template,
                     struct sandbox_request *request) {
    if (!template->env.count) {
        sandbox->env = request->env;
        request->env = (struct pairs){NULL, 0};
        return true;
    }
    return pairs_append(&sandbox->env, &template->env) &&
           pairs_append(&sandbox->env, &request->env);
}

void sandbox_make(struct core *core, const struct sandbox_origin *origin,
                  struct sandbox_request *request, sandbox_done done, void *ctx) {
    struct error err = ERROR_INIT;
    struct plan plan;
    struct sandbox *sandbox = plan_sandbox(core, origin, request, &plan, &err);
    if (sandbox && !take_env(sandbox, origin->template, request)) {
        error_errno(&err, ENOMEM, "cannot make a sandbox");
        sandbox_free(steal_ptr(&sandbox));
    }
    if (!sandbox) {
        done(ctx, NULL, &err);
        return;
    }
    *sandbox->making = (struct making){.event = origin->event, .done = done, .ctx = ctx};
    sandbox->metadata = request->metadata;
    request->metadata = (struct pairs){NULL, 0};
    sandbox_enter(sandbox);
    guest_create(core->config.runtime, &plan, &sandbox_guest_events, sandbox, on_ready);
}

void sandbox_create(struct core *core, struct sandbox_request *request, sandbox_done done,
                    void *ctx) {
    struct error err = ERROR_INIT;
    const struct sandbox_origin origin = {
        .template = template_resolve(core, request->template_ref, &err), .event = EVENT_CREATED};
    if (origin.template)
        sandbox_make(core, &origin, request, done, ctx);
    else
        done(ctx, NULL, &err);
}

json_t *sandbox_dry_run(struct core *core, struct sandbox_request *request, struct error *err) {
    struct plan plan;
    const struct sandbox_origin origin = {.template =
                                              template_resolve(core, request->template_ref, err)};
    struct sandbox *sandbox =
        origin.template ? plan_sandbox(core, &origin, request, &plan, err) : NULL;
    if (!sandbox)
        return NULL;
    json_t *description = runtime_describe_plan(core->config.runtime, &plan);
    sandbox_free(sandbox); /* the plan borrows from it */
    return description;
}

/* ---- ending ----------------------------------------------------------------------------------
 */

static void on_gone(void *ctx) {
    struct sandbox *sandbox = ctx;
    void (*ended)(void *ctx) = sandbox->ended;
    void *ended_ctx = sandbox->ended_ctx;
    sandbox_leave(sandbox);
    if (ended)
        ended(ended_ctx);
}

void sandbox_carry_out_doom(struct sandbox *sandbox) {
    sandbox_change(sandbox, SANDBOX_ENDING);
    record_killed(sandbox, sandbox->doom);
    log_info("sandbox ends", "sandbox", sandbox->id, "reason", sandbox->doom);
    sandbox_log(sandbox, LOG_INFO, "killed: %s", sandbox->doom);
    process_lose_all(sandbox);
    if (sandbox->guest)
        guest_kill(steal_ptr(&sandbox->guest), on_gone, sandbox);
    else
        runtime_discard(sandbox->core->config.runtime, sandbox->id, on_gone, sandbox);
}

bool sandbox_kill(struct sandbox *sandbox, const char *reason, void (*done)(void *ctx), void *ctx) {
    if (sandbox->doom)
        return false;
    sandbox->doom = reason;
    sandbox->ended = done;
    sandbox->ended_ctx = ctx;
    if (sandbox->state == SANDBOX_RUNNING || sandbox->state == SANDBOX_PAUSED)
        sandbox_carry_out_doom(sandbox);
    return true;
}

static void on_process_exited(void *ctx, int32_t pid, int32_t status) {
    process_on_exit(ctx, pid, status);
}

static void on_process_found(void *ctx, struct guest_process *process) {
    process_adopt(ctx, process);
}

static void on_guest_frozen(void *ctx, const struct error *why) {
    struct sandbox *sandbox = ctx;
    sandbox_log(sandbox, LOG_WARN, "%s", why->message);
    process_desert_all(sandbox, why);
    files_fail_all(sandbox, ENOSPC);
    watch_lose_all(sandbox, ENOSPC);
}

const struct guest_events sandbox_guest_events = {
    .process_exited = on_process_exited,
    .exited = sandbox_guest_exited,
    .found = on_process_found,
    .frozen = on_guest_frozen,
};
