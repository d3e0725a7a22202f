/* SPDX-License-Identifier: Apache-2.0
 *
 * See build_run.h. Each step has a box of its own, whose layer is put on those so far; a step that
 * was done before, on the same layers, is not done again. When there is hardly room for another
 * layer the box stays open, and the steps that are left share it.
 */
#include "backend/core/build_run.h"
#include "backend/core/build_box.h"
#include "backend/core/build_log.h"
#include "backend/core/build_steps.h"
#include "backend/core/core.h"
#include "backend/core/kept.h"
#include "backend/core/uploads.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    STEP_TIMEOUT_MS = 3600 * 1000,
    READY_TIMEOUT_MS = 600 * 1000,
    FIRST_PAUSE_MS = 50,
    LAST_PAUSE_MS = 2000,
    SHARED_FROM_LOWERS = ZYGOTE_MAX_LAYERS - 6,
};

struct build_run {
    struct core *core;
    struct build *build; /* NULL: nobody wants it any more */
    struct build_spec spec;
    struct build_state state;
    struct build_step user; /* the step before the first one */
    char key[KEPT_KEY];
    size_t at;      /* the step that is done now: 0 is `user`, then spec.steps[at - 1] */
    bool is_forced; /* nothing kept is used any more */
    struct build_box *box;
    char layer[ID_UUID];
    struct step_command command;
    char label[64], step[BUILD_STEP];
    char last[256]; /* line on standard output */
    int64_t started_ms, ready_until_ms;
    struct unpacking *unpacking; /* of the image that is imported; NULL */
    uint64_t pause_ms;
    uv_timer_t *timer; /* until the next look whether it is ready */
    struct error err;
};

static void next_step(struct build_run *run);
static void finalize(struct build_run *run);

/* ---- the end ---- */

static void on_timer_closed(uv_handle_t *handle) {
    free(handle);
}

static void run_free(struct build_run *run) {
    if (run->unpacking)
        runtime_unpack_cancel(run->unpacking);
    if (run->box)
        build_box_close(run->box);
    if (run->timer)
        uv_close((uv_handle_t *)run->timer, on_timer_closed);
    step_command_free(&run->command);
    build_spec_free(&run->spec);
    free(run->user.args);
    struct overlays overlays = run->state.overlays;
    run->state.overlays.count = 0;
    if (run->build)
        run->build->run = NULL;
    run->core->builds--;
    layers_release(run->core, &overlays);
    overlays_free(&overlays);
    build_state_free(&run->state);
    core_tell_idle(run->core);
    free(run);
}

static void on_failed_synced(void *ctx, const struct error *err) {
    if (!err)
        kept_save(ctx);
}

/* What earlier steps left is kept for another try. */
static void fail(struct build_run *run, const struct error *err) {
    struct build *build = run->build;
    struct core *core = run->core;
    struct error own = ERROR_INIT;
    if (build) {
        build_log(core, build, LOG_ERROR, run->step, "Build failed: %s", err->message);
        build->status = BUILD_FAILED;
        build->finished_ms = clock_now_ms();
        build->reason = strdup(err->message);
        memcpy(build->reason_step, run->step, sizeof(build->reason_step));
        if (!build_save(core, build, &own))
            log_warn("the end of a build was not recorded", "build", build->id, "error",
                     own.message);
    }
    run_free(run);
    runtime_sync(core->config.runtime, on_failed_synced, core);
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
    };
    build->template = overlays ? template_new(&row, err) : NULL;
    if (!build->template)
        return error_set(err, ERR_INTERNAL, "cannot keep the template");
    build->template->start_cmd = strdup(run->spec.start_cmd);
    build->template->ready_cmd = strdup(run->spec.ready_cmd);
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
        fail(run, err ? err : &own);
        return;
    }
    build_log(run->core, run->build, LOG_INFO, run->step, "Build finished, took %llds",
              (long long)(clock_now_ms() - run->started_ms + 999) / 1000);
    run_free(run);
}

static void succeed(struct build_run *run) {
    runtime_sync(run->core->config.runtime, on_synced, run);
}

void build_run_forget(struct build_run *run) {
    run->build->run = NULL;
    run->build = NULL;
    if (run->box || run->unpacking)
        run_free(run); /* else what is under way meets that */
}

const struct overlays *build_run_overlays(const struct build_run *run) {
    return &run->state.overlays;
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
            if (run->box)
                build_box_drop(run->box);
            if (run->timer)
                uv_close((uv_handle_t *)run->timer, on_timer_closed);
            step_command_free(&run->command);
            build_spec_free(&run->spec);
            free(run->user.args);
            build_state_free(&run->state);
            free(run);
        }
}

/* ---- a box ---- */

static void open_box(struct build_run *run, void (*ready)(void *ctx, const struct error *err)) {
    const struct build_box_plan plan = {.overlays = &run->state.overlays,
                                        .template_id = run->build->recipe->id,
                                        .cpus = run->build->cpus,
                                        .memory_mb = run->build->memory_mb};
    ids_uuid(run->layer);
    run->box = build_box_open(run->core, &plan, ready, run);
}

static void on_line(void *ctx, enum process_stream stream, const char *text) {
    struct build_run *run = ctx;
    const bool is_error = stream == PROCESS_ERR;
    if (!is_error)
        snprintf(run->last, sizeof(run->last), "%s", text);
    build_log(run->core, run->build, is_error ? LOG_WARN : LOG_INFO, run->step, "%s[%s]: %s",
              run->label, is_error ? "stderr" : "stdout", text);
}

static void run_command(struct build_run *run, int input, const struct build_box_events *events) {
    const struct build_command command = {.user = run->command.user,
                                          .cwd = run->command.cwd,
                                          .argv = run->command.argv,
                                          .env = &run->state.env,
                                          .input = input,
                                          .timeout_ms = STEP_TIMEOUT_MS};
    run->last[0] = '\0';
    build_box_run(run->box, &command, false, events, run);
}

/* ---- steps ---- */

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
    if (!run->box)
        kept_add(run->core, run->key, &run->state);
    run->at++;
    next_step(run);
}

static void on_kept(void *ctx, const struct error *err) {
    struct build_run *run = ctx;
    run->box = NULL;
    if (err)
        fail(run, err);
    else
        step_is_done(run);
}

static void end_step(struct build_run *run) {
    struct error err = ERROR_INIT;
    bool ok = step_apply(step_now(run), &run->state, run->last, &err);
    step_command_free(&run->command);
    if (!ok)
        fail(run, &err);
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
    fail(run, &own);
}

static void begin_step(struct build_run *run) {
    static const struct build_box_events events = {.line = on_line, .done = on_step_ended};
    const struct build_step *step = step_now(run);
    struct error err = ERROR_INIT;
    bool is_gzip = false;
    int input = -1;
    if (step->type == STEP_COPY &&
        (input = upload_open(run->core, step->files_hash, &is_gzip, &err)) < 0) {
        fail(run, &err);
        return;
    }
    if (step_prepare(step, &run->state, is_gzip, &run->command, &err)) {
        run_command(run, input, &events);
        return;
    }
    close_fd(&input);
    fail(run, &err);
}

static void on_box_ready(void *ctx, const struct error *err) {
    struct build_run *run = ctx;
    if (err)
        fail(run, err);
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

static void next_step(struct build_run *run) {
    struct error err = ERROR_INIT;
    for (; run->at <= run->spec.count; run->at++) {
        label(run);
        if (!step_key(run->key, step_now(run), run->key, &err)) {
            fail(run, &err);
            return;
        }
        bool is_kept = use_kept(run);
        announce(run, is_kept);
        if (!is_kept && !step_runs(step_now(run))) {
            if (!step_apply(step_now(run), &run->state, "", &err)) {
                fail(run, &err);
                return;
            }
        } else if (!is_kept) {
            if (run->box)
                begin_step(run);
            else
                open_box(run, on_box_ready);
            return;
        }
    }
    finalize(run);
}

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
        succeed(run);
        return;
    }
    if (!err && clock_now_ms() < run->ready_until_ms) {
        uv_timer_start(run->timer, on_check_due, run->pause_ms, 0);
        run->pause_ms = MIN(2 * run->pause_ms, (uint64_t)LAST_PAUSE_MS);
        return;
    }
    if (!err)
        error_set(&own, ERR_TIMEOUT, "the ready command did not succeed within %d minutes",
                  READY_TIMEOUT_MS / 60000);
    fail(run, err ? err : &own);
}

static void check_ready(struct build_run *run) {
    static const struct build_box_events events = {.line = on_line, .done = on_checked};
    struct error err = ERROR_INIT;
    snprintf(run->label, sizeof(run->label), "[ready] ");
    if (step_shell(run->spec.ready_cmd, &run->state, &run->command, &err))
        run_command(run, -1, &events);
    else
        fail(run, &err);
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
        fail(run, err ? err : &own);
        return;
    }
    build_log(run->core, run->build, LOG_INFO, run->step, "Waiting for template to be ready: %s",
              run->spec.ready_cmd);
    run->ready_until_ms = clock_now_ms() + READY_TIMEOUT_MS;
    run->pause_ms = FIRST_PAUSE_MS;
    check_ready(run);
}

/* ---- finalize ---- */

static void on_finalized(void *ctx, const struct error *err) {
    struct build_run *run = ctx;
    run->box = NULL;
    if (err) {
        fail(run, err);
    } else if (*run->spec.start_cmd || *run->spec.ready_cmd) {
        open_box(run, on_warm_box);
    } else {
        succeed(run);
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
    fail(run, &own);
}

static void on_finalize_box(void *ctx, const struct error *err) {
    static const struct build_box_events events = {.line = on_line, .done = on_finalize_ended};
    struct build_run *run = ctx;
    if (err) {
        fail(run, err);
        return;
    }
    step_finalize(run->build->recipe->id, run->build->id, &run->command);
    run_command(run, -1, &events);
}

static void finalize(struct build_run *run) {
    snprintf(run->step, sizeof(run->step), "finalize");
    snprintf(run->label, sizeof(run->label), "[finalize] ");
    build_log(run->core, run->build, LOG_INFO, run->step,
              "[finalize] Finalizing template build [%.12s]", run->key);
    if (run->box)
        on_finalize_box(run, NULL);
    else
        open_box(run, on_finalize_box);
}

/* ---- base ---- */

static bool take_template(struct build_run *run, const struct template *from, struct error *err) {
    struct plan_overlay base[ZYGOTE_MAX_OVERLAYS];
    const struct plan_overlay *at = from->overlays.at;
    size_t count = from->overlays.count;
    if (!count) {
        count = runtime_base_overlays(run->core->config.runtime, base);
        at = base;
    }
    run->state = (struct build_state){
        .user = strdup(from->default_user),
        .workdir = strdup(from->default_workdir ? from->default_workdir : ""),
    };
    if (!run->state.user || !run->state.workdir || !pairs_copy(&run->state.env, &from->env) ||
        !overlays_copy(&run->state.overlays, at, count))
        return error_errno(err, ENOMEM, "cannot begin the build");
    if (from->start_cmd && *from->start_cmd && !*run->spec.start_cmd && !*run->spec.ready_cmd) {
        free(run->spec.start_cmd);
        free(run->spec.ready_cmd);
        run->spec.start_cmd = strdup(from->start_cmd);
        run->spec.ready_cmd = strdup(from->ready_cmd);
    }
    return run->spec.start_cmd && run->spec.ready_cmd;
}

/* An image's name as a template has it: "docker.io/library/debian:12" is debian:12. */
static void image_reference(const char *image, char name[static TEMPLATE_REFERENCE]) {
    static const char *const prefixes[] = {"docker.io/", "index.docker.io/", "library/"};
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (strncmp(image, prefixes[i], strlen(prefixes[i])) == 0)
            image += strlen(prefixes[i]);
    for (; *image && used < TEMPLATE_REFERENCE - 1; image++)
        name[used++] = *image == '/' ? '-' : *image;
    name[used] = '\0';
}

static bool is_base_image(const char *image) {
    static const char *const names[] = {"e2bdev/base", "e2b/base", "base"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i]);
        if (strncmp(image, names[i], len) == 0 &&
            (!image[len] || strcmp(image + len, ":latest") == 0))
            return true;
    }
    return false;
}

static const struct template *find_image(struct build_run *run, struct error *err) {
    char name[TEMPLATE_REFERENCE], latest[TEMPLATE_REFERENCE + 8];
    struct error ignored = ERROR_INIT;
    const char *image = run->spec.from_image;
    if (is_base_image(image))
        return template_base();
    image_reference(image, name);
    const struct template *found = template_resolve(run->core, name, &ignored);
    if (!found && strncmp(name + strcspn(name, ":"), ":latest", 8) == 0) {
        snprintf(latest, sizeof(latest), "%.*s", (int)strcspn(name, ":"), name);
        found = template_resolve(run->core, latest, &ignored);
    }
    if (found)
        return found;
    error_set(err, ERR_NOT_FOUND,
              "the image '%.200s' is not here, and this backend pulls none: import it with `e2b "
              "template import %.200s FILE` (FILE: from `docker save`, an OCI layout, or a root "
              "file system), or build FROM e2bdev/base",
              image, name);
    return NULL;
}

static bool begin_base(struct build_run *run, struct error *err) {
    const struct build_spec *spec = &run->spec;
    const struct template *from = spec->from_template
                                      ? template_resolve(run->core, spec->from_template, err)
                                      : find_image(run, err);
    if (!from || !take_template(run, from, err))
        return false;
    cleanup_json json_t *layers = overlays_print(&run->state.overlays);
    cleanup_json json_t *env = pairs_to_json(&run->state.env);
    cleanup_free char *made_of = json_dumps(layers, JSON_COMPACT);
    cleanup_free char *environment = json_dumps(env, JSON_COMPACT | JSON_SORT_KEYS);
    char *args[] = {made_of, run->state.user, run->state.workdir, environment};
    const struct build_step as_step = {.name = "FROM", .args = args, .count = ARRAY_LEN(args)};
    if (!made_of || !environment || !step_key("", &as_step, run->key, err))
        return error_set(err, ERR_INTERNAL, "cannot begin the build");
    if (spec->from_template)
        build_log(run->core, run->build, LOG_INFO, "base", "[base] FROM TEMPLATE %s [%.12s]",
                  spec->from_template, run->key);
    else
        build_log(run->core, run->build, LOG_INFO, "base", "[base] FROM %s [%.12s]",
                  spec->from_image, run->key);
    return true;
}

/* Sandboxes have a user called so, unless the template that this one is made from says otherwise.
 */
static bool add_user_step(struct build_run *run, struct error *err) {
    static char name[] = "user", with_sudo[] = "true";
    run->at = run->spec.from_template ? 1 : 0;
    run->user = (struct build_step){.type = STEP_USER, .name = "USER", .count = 2};
    run->user.args = calloc(2, sizeof(*run->user.args));
    if (!run->user.args)
        return error_errno(err, ENOMEM, "cannot begin the build");
    run->user.args[0] = name;
    run->user.args[1] = with_sudo;
    return true;
}

/* ---- an image that is imported ---- */

static bool take_image(struct build_run *run, const char *said, struct error *err) {
    struct build_state *state = &run->state;
    cleanup_json json_t *image = json_parse(said, strlen(said), err);
    const char *workdir = "";
    json_t *env = NULL;
    if (!image || !json_get_string(image, "workdir", &workdir, err) ||
        !json_get_object(image, "env", &env, err) || !json_check_string_map(env, "env", err))
        return false;
    *state = (struct build_state){.user = strdup("root"), .workdir = strdup(workdir)};
    state->overlays.count = 1;
    snprintf(state->overlays.at[0].target, sizeof(state->overlays.at[0].target), "/");
    if (!state->user || !state->workdir || !pairs_from_json(&state->env, env) ||
        !runtime_stack_layer(run->core->config.runtime, run->layer, &state->overlays))
        return error_errno(err, ENOMEM, "cannot keep the image");
    snprintf(run->key, sizeof(run->key), "%s", run->layer);
    return true;
}

static void on_unpacked(void *ctx, const char *said, const struct error *err) {
    struct build_run *run = ctx;
    struct error own = ERROR_INIT;
    run->unpacking = NULL;
    if (!err && (!take_image(run, said, &own) || !add_user_step(run, &own)))
        err = &own;
    if (err)
        fail(run, err);
    else
        next_step(run);
}

static void begin_import(struct build_run *run) {
    build_log(run->core, run->build, LOG_INFO, "base", "[base] FROM FILE %s", run->spec.from_file);
    ids_uuid(run->layer);
    run->unpacking =
        runtime_unpack(run->core->config.runtime, run->layer, run->spec.file, on_unpacked, run);
}

static bool check_start(const struct core *core, const struct build *build, struct error *err) {
    if (build->status != BUILD_WAITING)
        return error_set(err, ERR_INVALID, "build is not in waiting state");
    return core->builds < BUILD_MAX_RUNNING ||
           error_set(err, ERR_LIMIT, "%d builds are running already", BUILD_MAX_RUNNING);
}

static void begin(uv_timer_t *timer) {
    struct build_run *run = timer->data;
    struct error err = ERROR_INIT;
    snprintf(run->step, sizeof(run->step), "base");
    if (!run->build)
        run_free(run);
    else if (run->spec.from_file)
        begin_import(run);
    else if (begin_base(run, &err) && add_user_step(run, &err))
        next_step(run);
    else
        fail(run, &err);
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
    struct build_run *run = calloc(1, sizeof(*run));
    if (!run || !(run->timer = malloc(sizeof(*run->timer))))
        abort();
    run->core = core;
    run->build = build;
    run->spec = *spec;
    *spec = (struct build_spec){.count = 0};
    run->is_forced = run->spec.force;
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
