/* SPDX-License-Identifier: Apache-2.0
 *
 * The last steps of a template: what the API puts into every one of them, and the start command,
 * which has to become ready once before anybody gets a sandbox with it.
 */
#include "backend/core/build_internal.h"

#include <stdio.h>

enum {
    READY_TIMEOUT_MS = 600 * 1000,
    FIRST_PAUSE_MS = 50,
    LAST_PAUSE_MS = 2000,
};

/* ---- start and ready commands ---- */

static void check_ready(struct build_run *run);

static void on_check_due(uv_timer_t *timer) {
    check_ready(timer->data);
}

static void on_checked(void *ctx, const struct process_end *end, const struct error *err) {
    struct build_run *run = ctx;
    struct error own = ERROR_INIT;
    step_command_free(&run->command);
    if (end && end->exited && end->exit_code == 0) {
        build_log(run->core, run->build, LOG_INFO, run->step, "Template is ready");
        build_box_close(steal_ptr(&run->box));
        build_succeed(run);
        return;
    }
    if (!err && clock_mono_ms() < run->ready_until_ms) {
        uv_timer_start(run->timer, on_check_due, run->pause_ms, 0);
        run->pause_ms = MIN(2 * run->pause_ms, (uint64_t)LAST_PAUSE_MS);
        return;
    }
    if (!err)
        error_set(&own, ERR_TIMEOUT, "the ready command did not succeed within %d minutes",
                  READY_TIMEOUT_MS / 60000);
    build_fail(run, err ? err : &own);
}

static void check_ready(struct build_run *run) {
    static const struct build_box_events events = {.line = build_on_line, .done = on_checked};
    struct error err = ERROR_INIT;
    snprintf(run->label, sizeof(run->label), "[ready] ");
    if (step_shell(run->spec.ready_cmd, &run->state, &run->command, &err))
        build_run_command(run, -1, &events);
    else
        build_fail(run, &err);
}

static void on_start_line(void *ctx, enum process_stream stream, const char *text) {
    struct build_run *run = ctx;
    build_log(run->core, run->build, stream == PROCESS_ERR ? LOG_WARN : LOG_INFO, run->step,
              "[start] [%s]: %s", stream == PROCESS_ERR ? "stderr" : "stdout", text);
}

static bool start_in_background(struct build_run *run, struct error *err) {
    static const struct build_box_events events = {.line = on_start_line};
    struct step_command start;
    build_log(run->core, run->build, LOG_INFO, run->step, "Running start command: %s",
              run->spec.start_cmd);
    if (!step_shell(run->spec.start_cmd, &run->state, &start, err))
        return false;
    const struct build_command command = {.user = start.user,
                                          .cwd = start.cwd,
                                          .argv = start.argv,
                                          .env = &run->state.env,
                                          .input = -1};
    build_box_run(run->box, &command, true, &events, run);
    step_command_free(&start);
    return true;
}

static void on_warm_box(void *ctx, const struct error *err) {
    struct build_run *run = ctx;
    struct error own = ERROR_INIT;
    if (err || (*run->spec.start_cmd && !start_in_background(run, &own))) {
        build_fail(run, err ? err : &own);
        return;
    }
    build_log(run->core, run->build, LOG_INFO, run->step, "Waiting for template to be ready: %s",
              run->spec.ready_cmd);
    run->ready_until_ms = clock_mono_ms() + READY_TIMEOUT_MS;
    run->pause_ms = FIRST_PAUSE_MS;
    check_ready(run);
}

/* ---- finalize ---- */

static void on_finalized(void *ctx, const struct error *err) {
    struct build_run *run = ctx;
    run->box = NULL;
    if (err) {
        build_fail(run, err);
    } else if (*run->spec.start_cmd || *run->spec.ready_cmd) {
        build_open_box(run, on_warm_box);
    } else {
        build_succeed(run);
    }
}

static void on_finalize_ended(void *ctx, const struct process_end *end, const struct error *err) {
    struct build_run *run = ctx;
    struct error own = ERROR_INIT;
    step_command_free(&run->command);
    if (end && end->exited && end->exit_code == 0) {
        build_box_keep(run->box, run->layer, &run->state.overlays, on_finalized, run);
        return;
    }
    error_set(&own, ERR_INTERNAL, "cannot finalize the template: %s",
              err ? err->message : end->status);
    build_fail(run, &own);
}

static void on_finalize_box(void *ctx, const struct error *err) {
    static const struct build_box_events events = {.line = build_on_line,
                                                   .done = on_finalize_ended};
    struct build_run *run = ctx;
    if (err) {
        build_fail(run, err);
        return;
    }
    step_finalize(run->build->recipe->id, run->build->id, &run->command);
    build_run_command(run, -1, &events);
}

void build_finalize(struct build_run *run) {
    snprintf(run->step, sizeof(run->step), "finalize");
    snprintf(run->label, sizeof(run->label), "[finalize] ");
    build_log(run->core, run->build, LOG_INFO, run->step,
              "[finalize] Finalizing template build [%.12s]", run->key);
    if (run->box)
        on_finalize_box(run, NULL);
    else
        build_open_box(run, on_finalize_box);
}
