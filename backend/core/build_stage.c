/* SPDX-License-Identifier: Apache-2.0
 *
 * The stages of a build, one after the other, and their steps. Each has a box of its own, whose
 * layer is put on those so far; a step that was done before, on the same layers, is not done again.
 * When there is hardly room for another layer the box stays open, and the steps that are left share
 * it.
 */
#include "backend/core/build_internal.h"
#include "backend/core/uploads.h"
#include "backend/runtime/disk.h"

#include <stdio.h>
#include <string.h>

enum { SHARED_FROM_LOWERS = ZYGOTE_MAX_LAYERS - 6, FULL_BYTES = 1 << 20 };

static const struct build_step *step_now(const struct build_run *run) {
    return run->at ? &build_stage_now(run)->steps[run->at - 1] : &run->user;
}

static bool is_full(const struct build_run *run) {
    size_t lowers = 0;
    for (size_t i = 0; i < run->state.overlays.count; i++)
        lowers += run->state.overlays.at[i].lower_count;
    return lowers >= SHARED_FROM_LOWERS;
}

static char *describe(const struct build_run *run) {
    const struct build_step *step = step_now(run);
    return step_describe(step,
                         step->from_stage < 0 ? NULL : run->spec.stages[step->from_stage].name);
}

/* Nothing can begin as an import did, so its steps are not kept. */
static void step_is_done(struct build_run *run) {
    cleanup_free char *step = run->box || run->spec.from_file ? NULL : describe(run);
    if (step)
        kept_add(run->core, run->key, step, &run->state);
    run->at++;
    build_next_step(run);
}

static void on_kept(void *ctx, const struct error *err) {
    struct build_run *run = ctx;
    run->box = NULL;
    if (overlays_have_layer(&run->state.overlays, run->layer))
        memcpy(run->state.layer, run->layer, sizeof(run->layer));
    if (err)
        build_fail(run, err);
    else
        step_is_done(run);
}

static void keep_step(struct build_run *run) {
    struct error err = ERROR_INIT;
    bool ok = step_apply(step_now(run), &run->state, run->last, &err);
    step_command_free(&run->command);
    if (!ok)
        build_fail(run, &err);
    else if (run->box && !is_full(run))
        build_box_keep(run->box, run->layer, &run->state.overlays, on_kept, run);
    else
        step_is_done(run);
}

static void say_failed(const struct build_run *run, const char *why, struct error *err) {
    const struct build_step *step = step_now(run);
    if (step->type == STEP_RUN)
        error_set(err, ERR_INVALID, "failed to run command '%.600s': %s", step->args[0], why);
    else
        error_set(err, ERR_INVALID, "%s failed: %s", step->name, why);
}

void build_end_step(struct build_run *run, const struct error *err) {
    struct error own = ERROR_INIT;
    if (!err) {
        keep_step(run);
        return;
    }
    say_failed(run, err->message, &own);
    build_fail(run, &own);
}

static bool is_disk_full(const struct build_run *run) {
    struct disk_space space;
    return disk_look(run->core->config.state, &space) && space.free < FULL_BYTES;
}

/* What our own scripts complain of says more than their status. When the disk is full the log may
 * have lost it. */
static void explain(const struct build_run *run, const char *status, struct error *why) {
    const bool is_ours = step_now(run)->type != STEP_RUN && *run->complaint;
    error_set(why, ERR_INVALID, "%.250s%s", is_ours ? run->complaint : status,
              is_disk_full(run) ? ": the backend's disk is full" : "");
}

static void on_step_ended(void *ctx, const struct process_end *end, const struct error *err) {
    struct error why = ERROR_INIT;
    if (err && err->kind == ERR_UNAUTHENTICATED)
        error_set(&why, ERR_INVALID, "command failed: unauthenticated: %.500s", err->message);
    else if (err)
        why = *err;
    else if (end->deadline)
        error_set(&why, ERR_TIMEOUT, "it took longer than an hour: build timed out");
    else if (!end->exited || end->exit_code != 0)
        explain(ctx, end->status, &why);
    build_end_step(ctx, why.kind ? &why : NULL);
}

static void begin_step(struct build_run *run) {
    static const struct build_box_events events = {.line = build_on_line, .done = on_step_ended};
    const struct build_step *step = step_now(run);
    struct error err = ERROR_INIT;
    bool is_gzip = false;
    int input = -1;
    if (step->type == STEP_COPY && step->from_stage >= 0) {
        build_copy(run, step);
        return;
    }
    if (step->type == STEP_COPY &&
        (input = upload_open(run->core, step->files_hash, &is_gzip, &err)) < 0) {
        build_fail(run, &err);
        return;
    }
    if (step_prepare(step, &run->state, is_gzip, &run->command, &err)) {
        build_run_command(run, input, &events);
        return;
    }
    close_fd(&input);
    build_fail(run, &err);
}

static void on_box_ready(void *ctx, const struct error *err) {
    struct build_run *run = ctx;
    if (err)
        build_fail(run, err);
    else
        begin_step(run);
}

/* Steps of the template are called by their number, those of other stages by the stage's name, too.
 */
static void label(struct build_run *run) {
    const struct build_stage *stage = build_stage_now(run);
    const bool is_last = build_is_last_stage(run);
    const char *prefix = is_last ? "" : stage->name, *colon = is_last ? "" : ":";
    if (run->at == 0) {
        snprintf(run->step, sizeof(run->step), "%s%sbase", prefix, colon);
        snprintf(run->label, sizeof(run->label), "[%s] ", is_last ? "base" : stage->name);
        return;
    }
    snprintf(run->step, sizeof(run->step), "%s%s%zu", prefix, colon, run->at);
    snprintf(run->label, sizeof(run->label), "[%s %zu/%zu] ", is_last ? "builder" : stage->name,
             run->at, stage->count);
}

/* True: it was done before. */
static bool use_kept(struct build_run *run) {
    struct build_state copy;
    run->is_forced |= step_now(run)->force;
    const struct build_state *kept =
        run->box ? NULL : kept_find(run->core, run->key, run->is_forced ? run->started_ms : 0);
    if (!kept || !build_state_copy(&copy, kept))
        return false;
    copy.args = run->state.args;
    run->state.args = (struct pairs){NULL, 0};
    build_state_free(&run->state);
    run->state = copy;
    return true;
}

static void announce(struct build_run *run, bool is_kept) {
    cleanup_free char *text = describe(run);
    if (run->at)
        build_log(run->core, run->build, LOG_INFO, run->step, "%s%s%s [%.12s]",
                  is_kept ? "CACHED " : "", run->label, text ? text : "", run->key);
}

/* What is copied from another stage counts by the layers that it is in. */
static bool make_key(struct build_run *run, struct error *err) {
    const struct build_step *step = step_now(run);
    if (!step_key(run->key, step, run->key, err))
        return false;
    if (step->from_stage < 0)
        return true;
    cleanup_json json_t *layers = overlays_print(&run->made[step->from_stage].overlays);
    cleanup_free char *text = json_dumps(layers, JSON_COMPACT);
    char *args[] = {text};
    const struct build_step from = {.name = "FROM", .args = args, .count = 1};
    return text ? step_key(run->key, &from, run->key, err)
                : error_set(err, ERR_INTERNAL, "cannot name a layer");
}

static void end_stage(struct build_run *run) {
    pairs_free(&run->state.args);
    if (build_is_last_stage(run)) {
        build_finalize(run);
        return;
    }
    run->made[run->stage++] = run->state;
    run->state = (struct build_state){.user = NULL};
    build_begin(run);
}

static void on_stage_kept(void *ctx, const struct error *err) {
    struct build_run *run = ctx;
    run->box = NULL;
    if (err)
        build_fail(run, err);
    else
        end_stage(run);
}

void build_next_step(struct build_run *run) {
    struct error err = ERROR_INIT;
    for (; run->at <= build_stage_now(run)->count; run->at++) {
        label(run);
        if (!make_key(run, &err)) {
            build_fail(run, &err);
            return;
        }
        bool is_kept = use_kept(run);
        announce(run, is_kept);
        if (!is_kept && !step_runs(step_now(run))) {
            if (!step_apply(step_now(run), &run->state, "", &err)) {
                build_fail(run, &err);
                return;
            }
        } else if (!is_kept) {
            if (run->box)
                begin_step(run);
            else
                build_open_box(run, on_box_ready);
            return;
        }
    }
    if (run->box && !build_is_last_stage(run))
        build_box_keep(run->box, run->layer, &run->state.overlays, on_stage_kept, run);
    else
        end_stage(run);
}
