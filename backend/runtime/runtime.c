/* SPDX-License-Identifier: Apache-2.0
 *
 * One runtime a daemon: started in the order in which its parts need each other (groups before any
 * other process, the holder before the base that is built in it), and what it knows of the host.
 */
#include "backend/runtime/internal.h"
#include "backend/runtime/seccomp.h"
#include "common/json.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/paths.h"

#include <errno.h>
#include <string.h>

enum { DEFAULT_IN_MAKING = 4, SETTLE_MS = 8000 };

struct deferred {
    void (*work)(void *ctx);
    void *ctx;
    struct deferred *next;
};

/* ---- later ------------------------------------------------------------------------------------
 */

static void run_deferred(struct runtime *rt) {
    struct deferred *list = rt->deferred;
    rt->deferred = NULL;
    rt->last_deferred = &rt->deferred;
    while (list) {
        struct deferred *d = list;
        list = d->next;
        d->work(d->ctx);
        free(d);
    }
}

static void on_idle(uv_idle_t *idle) {
    struct runtime *rt = idle->data;
    run_deferred(rt);
    if (!rt->deferred)
        uv_idle_stop(idle);
}

void runtime_defer(struct runtime *rt, void (*work)(void *ctx), void *ctx) {
    struct deferred *d = memory_need(sizeof(*d));
    *d = (struct deferred){.work = work, .ctx = ctx};
    *rt->last_deferred = d;
    rt->last_deferred = &d->next;
    uv_idle_start(rt->deferring, on_idle);
}

/* ---- start and stop ---------------------------------------------------------------------------
 */

static bool find_agent(const struct runtime_config *config, char path[static PATHS_MAX],
                       struct error *err) {
    if (!config->agent)
        return paths_program("e2b-agent", path, err);
    if (strlen(config->agent) >= PATHS_MAX)
        return error_set(err, ERR_INVALID, "path too long: %s", config->agent);
    strcpy(path, config->agent);
    return true;
}

static void fill_facts(struct runtime *rt) {
    const struct cgroup_facts *cgroups = cgroups_facts(rt->cgroups);
    struct runtime_facts *facts = &rt->facts;
    facts->is_root = rt->holder.is_root;
    facts->id_base = rt->holder.id_base;
    facts->id_count = rt->holder.id_count;
    facts->memory = cgroups->memory;
    facts->processes = cgroups->processes;
    facts->cpu = cgroups->cpu;
    facts->freeze = cgroups->freeze;
    /* Without groups the kernel still bounds each process, or each user inside. */
    if (!facts->memory.mechanism)
        facts->memory.mechanism = "RLIMIT_DATA of each process";
    if (!facts->processes.mechanism)
        facts->processes.mechanism = "RLIMIT_NPROC of each user inside";
    if (!facts->freeze.mechanism)
        facts->freeze.mechanism = "SIGSTOP, which programs can see";
    facts->files.mechanism = "RLIMIT_NOFILE";
    facts->disk.mechanism = "watched, and the writer frozen";
    facts->network.mechanism = network_mechanism(rt->network, &facts->network.why);
}

static bool start_holder(struct runtime *rt, const char *agent, struct error *err) {
    cleanup_close int nursery = cgroups_open_nursery(rt->cgroups);
    return holder_start(&rt->holder, agent, nursery, err) &&
           cgroups_admit(rt->cgroups, rt->holder.id_base, err);
}

static bool start(struct runtime *rt, const struct runtime_config *config,
                  void (*report)(void *ctx, const char *line), void *ctx, struct error *err) {
    char agent[PATHS_MAX];
    rt->deferring = malloc(sizeof(*rt->deferring));
    if (!rt->deferring)
        return error_errno(err, ENOMEM, "cannot start");
    uv_idle_init(rt->loop, rt->deferring);
    rt->deferring->data = rt;
    rt->cgroups = cgroups_start(config->state, err);
    if (!rt->cgroups || !find_agent(config, agent, err) || !start_holder(rt, agent, err))
        return false;
    rt->agent = strdup(agent);
    rt->state = strdup(config->state);
    if (!rt->agent || !rt->state)
        return error_errno(err, ENOMEM, "cannot start");
    rt->seccomp = seccomp_program(err);
    if (rt->seccomp < 0 || !base_refresh_start(rt, report, ctx, err))
        return false;
    if (!zygote_client_start(&rt->zygote, rt->loop, rt->holder.socket, err))
        return false;
    rt->network = network_start(rt->loop, &rt->zygote);
    rt->spares = spares_start(rt, config->spares);
    rt->remains = remains_start(rt);
    fill_facts(rt);
    return sandbox_dirs_start(&rt->dirs, rt->loop, config->state, &rt->zygote, err) &&
           runtime_watch_disk(rt, config, err);
}

struct runtime *runtime_start(uv_loop_t *loop, const struct runtime_config *config,
                              void (*report)(void *ctx, const char *line), void *ctx,
                              struct error *err) {
    struct runtime *rt = calloc(1, sizeof(*rt));
    if (!rt) {
        error_errno(err, ENOMEM, "cannot start");
        return NULL;
    }
    rt->loop = loop;
    rt->max_in_making = config->max_in_making ? config->max_in_making : DEFAULT_IN_MAKING;
    rt->holder = (struct holder)HOLDER_INIT;
    rt->dirs = (struct sandbox_dirs){.state = -1, .sandboxes = -1, .layers = -1, .trash = -1};
    rt->seccomp = -1;
    rt->last_deferred = &rt->deferred;
    if (start(rt, config, report, ctx, err))
        return rt;
    runtime_stop(rt);
    return NULL;
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

static void on_emptied(void *ctx, bool all) {
    struct runtime *rt = ctx;
    if (!all)
        log_warn("not all that ended sandboxes left is removed: the next start goes on with it");
    rt->settled(rt->settled_ctx);
}

void runtime_settle(struct runtime *rt, void (*done)(void *ctx), void *ctx) {
    rt->settled = done;
    rt->settled_ctx = ctx;
    sandbox_dirs_finish(&rt->dirs, SETTLE_MS, on_emptied, rt);
}

void runtime_stop(struct runtime *rt) {
    rt->stopping = true;
    rt->queue = NULL; /* abandoned with all others below */
    rt->max_in_making = 0;
    zygote_client_stop(&rt->zygote);
    while (rt->deferred)
        run_deferred(rt);
    while (rt->guests)
        guest_abandon(rt->guests);
    if (rt->spares)
        spares_stop(rt->spares);
    if (rt->remains)
        remains_stop(rt->remains);
    if (rt->disk)
        disk_stop(rt->disk);
    if (rt->network)
        network_stop(rt->network);
    sandbox_dirs_stop(&rt->dirs);
    holder_stop(&rt->holder);
    close_fd(&rt->seccomp);
    if (rt->cgroups)
        cgroups_stop(rt->cgroups);
    if (rt->deferring)
        uv_close((uv_handle_t *)rt->deferring, free_handle);
    proc_usage_free(&rt->processes);
    base_refresh_stop(rt);
    free(rt->agent);
    free(rt->state);
    free(rt);
}

bool runtime_need_zygote(struct runtime *rt, struct error *err) {
    if (!rt->zygote.lost)
        return true;
    log_warn("the zygote has ended, and is started again");
    zygote_client_stop(&rt->zygote);
    holder_stop(&rt->holder);
    return start_holder(rt, rt->agent, err) &&
           zygote_client_start(&rt->zygote, rt->loop, rt->holder.socket, err);
}

/* ---- what it knows ----------------------------------------------------------------------------
 */

const struct runtime_facts *runtime_facts(const struct runtime *rt) {
    return &rt->facts;
}

size_t runtime_base_overlays(struct runtime *rt,
                             struct plan_overlay overlays[ZYGOTE_MAX_OVERLAYS]) {
    base_refresh_look(rt);
    overlays[0] = (struct plan_overlay){.target = "/", .lowers = rt->root_lowers, .lower_count = 1};
    overlays[1] = (struct plan_overlay){
        .target = "/usr", .lowers = rt->usr_lowers, .lower_count = rt->usr_lowers[1] ? 2 : 1};
    return 2;
}

static json_t *describe_overlay(const struct plan_overlay *overlay) {
    json_t *lowers = json_array();
    for (size_t i = 0; i < overlay->lower_count; i++)
        json_array_append_new(lowers, json_string(overlay->lowers[i]));
    return json_pack("{s:s, s:o}", "target", overlay->target, "layers", lowers);
}

static json_t *describe_volumes(const struct plan_mounts *mounts) {
    json_t *all = json_array();
    for (size_t i = 0; i < mounts->count; i++)
        json_array_append_new(all, json_pack("{s:s, s:s}", "target", plan_mount_target(mounts, i),
                                             "volume", plan_mount_volume(mounts, i)));
    return all;
}

json_t *runtime_describe_plan(const struct runtime *rt, const struct plan *plan) {
    json_t *overlays = json_array();
    for (size_t i = 0; i < plan->overlay_count; i++)
        json_array_append_new(overlays, describe_overlay(&plan->overlays[i]));
    return json_pack(
        "{s:s, s:o, s:{s:I, s:i, s:i, s:I, s:i}, s:{s:I, s:I}, s:b, s:o}", "hostname", plan->id,
        "mounts", overlays, "limits", "memoryBytes", (json_int_t)plan->limits.memory_bytes,
        "processes", (int)plan->limits.processes, "files", (int)plan->limits.files, "diskBytes",
        (json_int_t)plan->limits.disk_bytes, "cpus", (int)plan->limits.cpus, "ids", "base",
        (json_int_t)rt->holder.id_base, "count", (json_int_t)rt->holder.id_count, "internet",
        plan->network.internet, "volumes", describe_volumes(&plan->mounts));
}
