/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a sandbox: made, recorded, ended. A sandbox exists for others once its row is
 * committed; what the daemon dies before is swept by the next one.
 */
#include "backend/core/core.h"
#include "backend/core/logs.h"
#include "backend/core/template.h"
#include "backend/core/volumes.h"
#include "backend/store/sandboxes.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct making {
    int64_t timeout_ms;
    sandbox_done done;
    void *ctx;
};

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

static void tell_idle(struct core *core) {
    bool idle = core->count == 0;
    if (idle != core->idle && core->config.idle_changed)
        core->config.idle_changed(core->config.ctx, idle);
    core->idle = idle;
}

void sandbox_enter(struct sandbox *sandbox) {
    registry_add(sandbox->core, sandbox);
    tell_idle(sandbox->core);
}

void sandbox_leave(struct sandbox *sandbox) {
    struct core *core = sandbox->core;
    registry_remove(core, sandbox);
    sandbox_free(sandbox);
    tell_idle(core);
}

void sandbox_begin(struct sandbox *sandbox, struct guest *guest) {
    sandbox->guest = guest;
    sandbox->state = SANDBOX_RUNNING;
    /* Past its time nobody would end it if this daemon were gone. */
    guest_set_deadline(guest, sandbox->end_ms / 1000 + 1);
    timeouts_watch(sandbox->core, sandbox);
}

/* ---- making ----------------------------------------------------------------------------------
 */

static void fill_plan(const struct core *core, const struct sandbox *sandbox, struct plan *plan) {
    *plan =
        (struct plan){.limits = sandbox->limits, .network = network_rules_plan(&sandbox->network)};
    snprintf(plan->id, sizeof(plan->id), "%s", sandbox->id);
    snprintf(plan->template_id, sizeof(plan->template_id), "%s", sandbox->template_id);
    plan->mounts = (struct plan_mounts){sandbox->mounts.at, sandbox->mounts.count};
    plan->overlay_count = runtime_base_overlays(core->config.runtime, plan->overlays);
}

static bool record(const struct sandbox *sandbox, struct error *err) {
    cleanup(pairs_free) struct pairs network;
    if (!network_rules_to_pairs(&sandbox->network, &network))
        return error_errno(err, ENOMEM, "cannot record the sandbox");
    struct sandbox_row row = {
        .id = sandbox->id,
        .template_id = sandbox->template_id,
        .build_id = sandbox->build_id,
        .started_ms = sandbox->started_ms,
        .end_ms = sandbox->end_ms,
        .secure = sandbox->secure,
        .memory_bytes = sandbox->limits.memory_bytes,
        .disk_bytes = sandbox->limits.disk_bytes,
        .cpus = sandbox->limits.cpus,
        .processes = sandbox->limits.processes,
        .files = sandbox->limits.files,
        .metadata = sandbox->metadata,
        .env = sandbox->env,
        .network = network,
        .mounts = sandbox->mounts,
    };
    return store_sandbox_insert(sandbox->core->config.store, &row, err);
}

static void on_ready(void *ctx, struct guest *guest, const struct error *err) {
    struct sandbox *sandbox = ctx;
    struct error own = ERROR_INIT;
    struct making *making = steal_ptr(&sandbox->making);
    sandbox->end_ms = clock_now_ms() + making->timeout_ms;
    if (guest && !record(sandbox, &own)) {
        guest_kill(steal_ptr(&guest), NULL, NULL);
        err = &own;
    }
    if (guest) {
        sandbox_begin(sandbox, guest);
        metrics_count_start(sandbox->core);
        sandbox_log(sandbox, LOG_INFO, "created from template %s", sandbox->template_id);
        making->done(making->ctx, sandbox, NULL);
    } else {
        sandbox_leave(sandbox);
        making->done(making->ctx, NULL, err);
    }
    free(making);
}

/* Takes the request's network, also when it fails. */
static struct sandbox *plan_sandbox(struct core *core, struct sandbox_request *request,
                                    struct plan *plan, struct error *err) {
    const struct template *template = template_resolve(request->template_ref, err);
    if (!template || !limits_check(core, request, err))
        return NULL;
    struct sandbox *sandbox = sandbox_new(core, "");
    if (sandbox)
        sandbox->making = malloc(sizeof(*sandbox->making));
    if (!sandbox || !sandbox->making) {
        error_errno(err, ENOMEM, "cannot make a sandbox");
        free(sandbox);
        return NULL;
    }
    sandbox->started_ms = clock_now_ms();
    sandbox_set_template(sandbox, template);
    sandbox->network = request->network;
    request->network = (struct network_rules){.internet = false};
    sandbox->limits = plan_default_limits;
    bool ok = volumes_resolve(core, &request->mounts, &sandbox->mounts, err);
    fill_plan(core, sandbox, plan);
    if (!runtime_spare(core->config.runtime, plan))
        ids_sandbox(plan->id);
    memcpy(sandbox->id, plan->id, sizeof(sandbox->id));
    if (ok && sandbox_set_access(sandbox, request->secure, err) && plan_check(plan, err))
        return sandbox;
    sandbox_free(sandbox);
    return NULL;
}

void sandbox_request_free(struct sandbox_request *request) {
    network_rules_free(&request->network);
    pairs_free(&request->metadata);
    pairs_free(&request->env);
    pairs_free(&request->mounts);
}

void sandbox_create(struct core *core, struct sandbox_request *request, sandbox_done done,
                    void *ctx) {
    struct error err = ERROR_INIT;
    struct plan plan;
    struct sandbox *sandbox = plan_sandbox(core, request, &plan, &err);
    if (!sandbox) {
        done(ctx, NULL, &err);
        return;
    }
    *sandbox->making = (struct making){
        .timeout_ms = request->timeout_s * 1000,
        .done = done,
        .ctx = ctx,
    };
    sandbox->metadata = request->metadata;
    sandbox->env = request->env;
    request->metadata = request->env = (struct pairs){NULL, 0};
    sandbox_enter(sandbox);
    guest_create(core->config.runtime, &plan, &sandbox_guest_events, sandbox, on_ready);
}

json_t *sandbox_dry_run(struct core *core, struct sandbox_request *request, struct error *err) {
    struct plan plan;
    struct sandbox *sandbox = plan_sandbox(core, request, &plan, err);
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

bool sandbox_kill(struct sandbox *sandbox, const char *reason, void (*done)(void *ctx), void *ctx) {
    if (sandbox->state == SANDBOX_ENDING)
        return false;
    struct error err = ERROR_INIT;
    sandbox->state = SANDBOX_ENDING;
    sandbox->ended = done;
    sandbox->ended_ctx = ctx;
    /* If this cannot be written the sandbox ends all the same; the next daemon will not find it. */
    if (!store_sandbox_ended(sandbox->core->config.store, sandbox->id, clock_now_ms(), reason,
                             &err))
        log_warn("the end of a sandbox was not recorded", "sandbox", sandbox->id, "error",
                 err.message);
    log_info("sandbox ends", "sandbox", sandbox->id, "reason", reason);
    sandbox_log(sandbox, LOG_INFO, "killed: %s", reason);
    process_lose_all(sandbox);
    guest_kill(steal_ptr(&sandbox->guest), on_gone, sandbox);
    return true;
}

static void on_guest_exited(void *ctx, const char *reason) {
    sandbox_kill(ctx, reason, NULL, NULL);
}

static void on_process_exited(void *ctx, int32_t pid, int32_t status) {
    process_on_exit(ctx, pid, status);
}

static void on_process_found(void *ctx, struct guest_process *process) {
    process_adopt(ctx, process);
}

const struct guest_events sandbox_guest_events = {
    .process_exited = on_process_exited,
    .exited = on_guest_exited,
    .found = on_process_found,
};
