/* SPDX-License-Identifier: Apache-2.0
 *
 * See build_run.h: the beginning and the end of a build, and the boxes in which its commands run.
 */
#include "backend/core/build_internal.h"
#include "backend/core/files.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { STEP_TIMEOUT_MS = 3600 * 1000 };

/* ---- the end ---- */

static void on_timer_closed(uv_handle_t *handle) {
    free(handle);
}

static void free_content(struct build_run *run) {
    if (run->timer)
        uv_close((uv_handle_t *)run->timer, on_timer_closed);
    step_command_free(&run->command);
    for (size_t i = 0; i < run->stage; i++)
        build_state_free(&run->made[i]);
    free(run->made);
    build_spec_free(&run->spec);
    free(run->user.args);
    build_state_free(&run->state);
    free(run);
}

static void release_layers(void *ctx, const struct overlays *overlays) {
    layers_release(ctx, overlays);
}

static void run_free(struct build_run *run) {
    struct core *core = run->core;
    if (run->unpacking)
        runtime_unpack_cancel(run->unpacking);
    build_copy_stop(run);
    if (run->box)
        build_box_close(run->box);
    if (run->build)
        run->build->run = NULL;
    core->builds--;
    build_run_each_overlays(run, release_layers, core);
    free_content(run);
    core_tell_idle(core);
}

static void on_failed_synced(void *ctx, const struct error *err) {
    if (!err)
        kept_save(ctx);
}

static void record_failure(struct core *core, struct build *build, const char *step,
                           const char *why) {
    struct error err = ERROR_INIT;
    build_log(core, build, LOG_ERROR, step, "Build failed: %s", why);
    build->status = BUILD_FAILED;
    build->finished_ms = clock_now_ms();
    build->reason = strdup(why);
    snprintf(build->reason_step, sizeof(build->reason_step), "%s", step);
    if (!build_save(core, build, &err))
        log_warn("the end of a build was not recorded", "build", build->id, "error", err.message);
}

/* What earlier steps left is kept for another try. */
void build_fail(struct build_run *run, const struct error *err) {
    struct core *core = run->core;
    struct error why = *err;
    if (!build_is_last_stage(run))
        error_wrap(&why, "stage '%s'", build_stage_now(run)->name);
    if (run->build)
        record_failure(core, run->build, run->step, why.message);
    run_free(run);
    runtime_sync(core->config.runtime, on_failed_synced, core);
}

bool build_cancel(struct core *core, struct build *build, struct error *err) {
    if (build->status != BUILD_WAITING && build->status != BUILD_BUILDING)
        return error_set(err, ERR_INVALID, "build is over already");
    record_failure(core, build, build->run ? build->run->step : "", "build was cancelled");
    if (build->run)
        build_run_forget(build->run);
    runtime_sync(core->config.runtime, on_failed_synced, core);
    return true;
}

static bool make_template(struct build_run *run, struct error *err) {
    struct build *build = run->build;
    cleanup_json json_t *layers = overlays_print(&run->state.overlays);
    cleanup_free char *overlays = json_dumps(layers, JSON_COMPACT);
    const struct template_row row = {
        .id = build->recipe->id,
        .build_id = build->id,
        .name = build->recipe->name,
        .tag = "",
        .sandbox_id = "",
        .user = run->state.user,
        .workdir = run->state.workdir,
        .env = run->state.env,
        .overlays = overlays,
        .created_ms = clock_now_ms(),
        .start_cmd = run->spec.start_cmd,
        .ready_cmd = run->spec.ready_cmd,
    };
    build->template = overlays ? template_new(&row, err) : NULL;
    if (!build->template)
        return error_set(err, ERR_INTERNAL, "cannot keep the template");
    build->template->cpus = build->cpus;
    build->template->memory_mb = build->memory_mb;
    return true;
}

static void on_synced(void *ctx, const struct error *err) {
    struct build_run *run = ctx;
    struct error own = ERROR_INIT;
    if (!run->build) {
        run_free(run);
        return;
    }
    kept_save(run->core);
    if (err || !make_template(run, &own) || !build_publish(run->core, run->build, &own)) {
        build_fail(run, err ? err : &own);
        return;
    }
    build_log(run->core, run->build, LOG_INFO, run->step, "Build finished, took %llds",
              (long long)(clock_now_ms() - run->started_ms + 999) / 1000);
    run_free(run);
}

void build_succeed(struct build_run *run) {
    runtime_sync(run->core->config.runtime, on_synced, run);
}

void build_run_forget(struct build_run *run) {
    run->build->run = NULL;
    run->build = NULL;
    if (run->box || run->unpacking)
        run_free(run); /* else what is under way meets that */
}

void build_run_each_overlays(const struct build_run *run,
                             void (*each)(void *ctx, const struct overlays *overlays), void *ctx) {
    for (size_t i = 0; i < run->stage; i++)
        each(ctx, &run->made[i].overlays);
    each(ctx, &run->state.overlays);
}

const char *build_run_layer(const struct build_run *run) {
    return run->layer;
}

bool build_run_has_layer(const struct build_run *run, const char *layer) {
    bool found = overlays_have_layer(&run->state.overlays, layer);
    for (size_t i = 0; !found && i < run->stage; i++)
        found = overlays_have_layer(&run->made[i].overlays, layer);
    return found;
}

static bool stage_needs_files(const struct build_stage *stage, const char *hash) {
    for (size_t i = 0; i < stage->count; i++)
        if (strcmp(stage->steps[i].files_hash, hash) == 0)
            return true;
    return false;
}

bool build_run_needs_files(const struct build_run *run, const char *hash) {
    for (size_t i = 0; i < run->spec.stage_count; i++)
        if (stage_needs_files(&run->spec.stages[i], hash))
            return true;
    return false;
}

unsigned builds_running(const struct core *core) {
    return core->builds;
}

void builds_stop(struct core *core) {
    for (struct recipe *recipe = core->recipes; recipe; recipe = recipe->next)
        for (struct build *build = recipe->newest; build; build = build->older) {
            struct build_run *run = build->run;
            if (!run)
                continue;
            build->run = NULL;
            if (run->unpacking)
                runtime_unpack_cancel(run->unpacking);
            if (run->taking)
                files_cancel(run->taking);
            if (run->source)
                build_box_drop(run->source);
            if (run->box)
                build_box_drop(run->box);
            free_content(run);
        }
}

/* ---- a box ---- */

void build_open_box(struct build_run *run, void (*ready)(void *ctx, const struct error *err)) {
    const struct build_box_plan plan = {.overlays = &run->state.overlays,
                                        .template_id = run->build->recipe->id,
                                        .cpus = run->build->cpus,
                                        .memory_mb = run->build->memory_mb};
    ids_uuid(run->layer);
    run->box = build_box_open(run->core, &plan, ready, run);
}

void build_on_line(void *ctx, enum process_stream stream, const char *text) {
    struct build_run *run = ctx;
    const bool is_error = stream == PROCESS_ERR;
    if (!is_error)
        snprintf(run->last, sizeof(run->last), "%s", text);
    else if (!*run->complaint)
        snprintf(run->complaint, sizeof(run->complaint), "%s", text);
    build_log(run->core, run->build, is_error ? LOG_WARN : LOG_INFO, run->step, "%s[%s]: %s",
              run->label, is_error ? "stderr" : "stdout", text);
}

void build_run_command(struct build_run *run, int input, const struct build_box_events *events) {
    struct error err = ERROR_INIT;
    struct pairs env = {NULL, 0};
    if (!pairs_copy(&env, &run->state.args) || !pairs_append(&env, &run->state.env)) {
        pairs_free(&env);
        close_fd(&input);
        error_errno(&err, ENOMEM, "cannot begin the command");
        events->done(run, NULL, &err);
        return;
    }
    const struct build_command command = {.user = run->command.user,
                                          .cwd = run->command.cwd,
                                          .argv = run->command.argv,
                                          .env = &env,
                                          .input = input,
                                          .timeout_ms = STEP_TIMEOUT_MS};
    run->last[0] = run->complaint[0] = '\0';
    build_box_run(run->box, &command, false, events, run);
    pairs_free(&env);
}

static bool check_start(const struct core *core, const struct build *build, struct error *err) {
    if (build->status != BUILD_WAITING)
        return error_set(err, ERR_INVALID, "build is not in waiting state");
    return core->builds < BUILD_MAX_RUNNING ||
           error_set(err, ERR_LIMIT, "%d builds are running already", BUILD_MAX_RUNNING);
}

static void begin(uv_timer_t *timer) {
    struct build_run *run = timer->data;
    if (run->build)
        build_begin(run);
    else
        run_free(run);
}

bool build_start(struct core *core, struct build *build, struct build_spec *spec,
                 struct error *err) {
    if (!check_start(core, build, err))
        return false;
    build->status = BUILD_BUILDING;
    if (!build_save(core, build, err)) {
        build->status = BUILD_WAITING;
        return false;
    }
    struct build_run *run = memory_need(sizeof(*run));
    run->timer = memory_need(sizeof(*run->timer));
    run->made = memory_need(spec->stage_count * sizeof(*run->made));
    run->core = core;
    run->build = build;
    run->spec = *spec;
    *spec = (struct build_spec){.file = -1};
    run->started_ms = clock_now_ms();
    build->run = run;
    core->builds++;
    core_tell_idle(core);
    build_log(core, build, LOG_INFO, "base", "Building template %s/%s", build->recipe->id,
              build->id);
    uv_timer_init(core_loop(core), run->timer);
    run->timer->data = run;
    uv_timer_start(run->timer, begin, 0, 0);
    return true;
}
