/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of a build. Each has a box of its own, whose layer is put on those so far; a step that
 * was done before, on the same layers, is not done again. When there is hardly room for another
 * layer the box stays open, and the steps that are left share it.
 */
#include "backend/core/build_internal.h"
#include "backend/core/uploads.h"

#include <stdio.h>
#include <string.h>

enum { SHARED_FROM_LOWERS = ZYGOTE_MAX_LAYERS - 6 };

static const struct build_step *step_now(const struct build_run *run) {
    return run->at ? &run->spec.steps[run->at - 1] : &run->user;
}

static bool is_full(const struct build_run *run) {
    size_t lowers = 0;
    for (size_t i = 0; i < run->state.overlays.count; i++)
        lowers += run->state.overlays.at[i].lower_count;
    return lowers >= SHARED_FROM_LOWERS;
}

static void step_is_done(struct build_run *run) {
    cleanup_free char *step = run->box ? NULL : step_describe(step_now(run));
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

static void end_step(struct build_run *run) {
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

static void on_step_ended(void *ctx, const struct process_end *end, const struct error *err) {
    struct build_run *run = ctx;
    struct error own = ERROR_INIT;
    char text[600];
    if (end && end->exited && end->exit_code == 0) {
        end_step(run);
        return;
    }
    if (err && err->kind == ERR_UNAUTHENTICATED)
        snprintf(text, sizeof(text), "command failed: unauthenticated: %.500s", err->message);
    else
        snprintf(text, sizeof(text), "%.500s",
                 err             ? err->message
                 : end->deadline ? "it took longer than an hour: build timed out"
                                 : end->status);
    say_failed(run, text, &own);
    build_fail(run, &own);
}

static void begin_step(struct build_run *run) {
    static const struct build_box_events events = {.line = build_on_line, .done = on_step_ended};
    const struct build_step *step = step_now(run);
    struct error err = ERROR_INIT;
    bool is_gzip = false;
    int input = -1;
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

static void label(struct build_run *run) {
    if (run->at == 0) {
        snprintf(run->step, sizeof(run->step), "base");
        snprintf(run->label, sizeof(run->label), "[base] ");
        return;
    }
    snprintf(run->step, sizeof(run->step), "%zu", run->at);
    snprintf(run->label, sizeof(run->label), "[builder %zu/%zu] ", run->at, run->spec.count);
}

/* True: it was done before. */
static bool use_kept(struct build_run *run) {
    struct build_state copy;
    run->is_forced |= step_now(run)->force;
    const struct build_state *kept =
        run->is_forced || run->box ? NULL : kept_find(run->core, run->key);
    if (!kept || !build_state_copy(&copy, kept))
        return false;
    build_state_free(&run->state);
    run->state = copy;
    return true;
}

static void announce(struct build_run *run, bool is_kept) {
    cleanup_free char *text = step_describe(step_now(run));
    if (run->at)
        build_log(run->core, run->build, LOG_INFO, run->step, "%s%s%s [%.12s]",
                  is_kept ? "CACHED " : "", run->label, text ? text : "", run->key);
}

void build_next_step(struct build_run *run) {
    struct error err = ERROR_INIT;
    for (; run->at <= run->spec.count; run->at++) {
        label(run);
        if (!step_key(run->key, step_now(run), run->key, &err)) {
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
    build_finalize(run);
}
