/* SPDX-License-Identifier: Apache-2.0
 *
 * What a build starts from: a template, an image that is one, or a file with an image in it.
 */
#include "backend/core/build_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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
    if (build_is_last_stage(run) && from->start_cmd && *from->start_cmd && !*run->spec.start_cmd &&
        !*run->spec.ready_cmd) {
        free(run->spec.start_cmd);
        free(run->spec.ready_cmd);
        run->spec.start_cmd = strdup(from->start_cmd);
        run->spec.ready_cmd = strdup(from->ready_cmd);
    }
    return (run->spec.start_cmd && run->spec.ready_cmd) ||
           error_errno(err, ENOMEM, "cannot begin the build");
}

/* An image's name as a template can have it: "docker.io/library/debian:12" is debian:12, and
 * "ghcr.io/a/b@sha256:..." is ghcr-io-a-b. */
static void image_reference(const char *image, char name[static TEMPLATE_REFERENCE]) {
    static const char *const prefixes[] = {"docker.io/", "index.docker.io/", "library/"};
    size_t used = 0, slash = 0, tag;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (strncmp(image, prefixes[i], strlen(prefixes[i])) == 0)
            image += strlen(prefixes[i]);
    for (size_t i = 0; image[i] && image[i] != '@'; i++)
        slash = image[i] == '/' ? i : slash;
    tag = slash + strcspn(image + slash, ":@");
    for (; image[used] && image[used] != '@' && used < TEMPLATE_REFERENCE - 1; used++) {
        const char c = (char)tolower((unsigned char)image[used]);
        const bool stays = used >= tag || (c != '/' && c != '.' && c != ':');
        name[used] = stays ? c : '-';
    }
    name[used] = '\0';
}

static bool is_base_image(const char *image) {
    static const char *const names[] = {"e2bdev/base", "e2b/base", "base"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i]);
        if (strncmp(image, names[i], len) != 0)
            continue;
        len += strncmp(image + len, ":latest", 7) == 0 ? 7 : 0;
        if (!image[len] || image[len] == '@')
            return true;
    }
    return false;
}

static const struct template *find_image(struct build_run *run, struct error *err) {
    char name[TEMPLATE_REFERENCE], latest[TEMPLATE_REFERENCE + 8];
    struct error ignored = ERROR_INIT;
    const char *image = build_stage_now(run)->from_image;
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
    const struct build_stage *stage = build_stage_now(run);
    const struct template *from = stage->from_template
                                      ? template_resolve(run->core, stage->from_template, err)
                                      : find_image(run, err);
    if (!from || !take_template(run, from, err))
        return false;
    if (stage->from_image && strchr(stage->from_image, '@'))
        build_log(run->core, run->build, LOG_WARN, run->step,
                  "the digest of %.300s is not compared: what was imported under its name is used",
                  stage->from_image);
    cleanup_json json_t *layers = overlays_print(&run->state.overlays);
    cleanup_json json_t *env = pairs_to_json(&run->state.env);
    cleanup_free char *made_of = json_dumps(layers, JSON_COMPACT);
    cleanup_free char *environment = json_dumps(env, JSON_COMPACT | JSON_SORT_KEYS);
    char *args[] = {made_of, run->state.user, run->state.workdir, environment};
    const struct build_step as_step = {.name = "FROM", .args = args, .count = ARRAY_LEN(args)};
    if (!made_of || !environment || !step_key("", &as_step, run->key, err))
        return error_set(err, ERR_INTERNAL, "cannot begin the build");
    build_log(run->core, run->build, LOG_INFO, run->step, "[%s] FROM %s%s [%.12s]",
              build_is_last_stage(run) ? "base" : stage->name,
              stage->from_template ? "TEMPLATE " : "",
              stage->from_template ? stage->from_template : stage->from_image, run->key);
    return true;
}

/* Sandboxes have a user called so, unless the template that this one is made from says otherwise; a
 * stage without steps is there for its files alone. */
static bool add_user_step(struct build_run *run, struct error *err) {
    static char name[] = "user", with_sudo[] = "true";
    const struct build_stage *stage = build_stage_now(run);
    run->at = stage->from_template || (!build_is_last_stage(run) && !stage->count) ? 1 : 0;
    if (run->user.args)
        return true;
    run->user =
        (struct build_step){.type = STEP_USER, .name = "USER", .count = 2, .from_stage = -1};
    run->user.args = calloc(2, sizeof(*run->user.args));
    if (!run->user.args)
        return error_errno(err, ENOMEM, "cannot begin the build");
    run->user.args[0] = name;
    run->user.args[1] = with_sudo;
    return true;
}

/* ---- an image that is imported ---- */

/* The image's own user is as a step that makes it the user; a sandbox's usual one is there, too. */
static bool take_user(struct build_run *run, const char *user, struct error *err) {
    struct build_stage *stage = &run->spec.stages[0];
    if (!*user)
        return true;
    stage->steps = calloc(1, sizeof(*stage->steps));
    if (!stage->steps)
        return error_errno(err, ENOMEM, "cannot keep the image");
    struct build_step *step = &stage->steps[stage->count++];
    *step = (struct build_step){.type = STEP_USER, .name = "USER", .from_stage = -1};
    step->args = calloc(1, sizeof(*step->args));
    if (!step->args || !(step->args[0] = strdup(user)))
        return error_errno(err, ENOMEM, "cannot keep the image");
    step->count = 1;
    return true;
}

static bool take_command(struct build_run *run, const char *command, struct error *err) {
    if (!run->spec.starts_image)
        return true;
    if (!*command)
        return error_set(err, ERR_INVALID,
                         "the image has neither an ENTRYPOINT nor a CMD to be started");
    free(run->spec.start_cmd);
    run->spec.start_cmd = strdup(command);
    return run->spec.start_cmd || error_errno(err, ENOMEM, "cannot keep the image");
}

static bool take_layer(struct build_run *run, const char *workdir, const json_t *env,
                       struct error *err) {
    struct build_state *state = &run->state;
    *state = (struct build_state){.user = strdup("root"), .workdir = strdup(workdir)};
    state->overlays.count = 1;
    snprintf(state->overlays.at[0].target, sizeof(state->overlays.at[0].target), "/");
    if (!state->user || !state->workdir || !pairs_from_json(&state->env, env) ||
        !runtime_stack_layer(run->core->config.runtime, run->layer, &state->overlays))
        return error_errno(err, ENOMEM, "cannot keep the image");
    snprintf(run->key, sizeof(run->key), "%s", run->layer);
    return true;
}

static bool take_image(struct build_run *run, const char *said, struct error *err) {
    cleanup_json json_t *image = json_parse(said, strlen(said), err);
    const char *user = "", *workdir = "", *command = "";
    json_t *env = NULL;
    if (image && json_get_string(image, "user", &user, err) &&
        json_get_string(image, "workdir", &workdir, err) &&
        json_get_string(image, "command", &command, err) &&
        json_get_object(image, "env", &env, err) && json_check_string_map(env, "env", err) &&
        take_layer(run, workdir, env, err))
        return take_user(run, user, err) && take_command(run, command, err);
    runtime_discard_layer(run->core->config.runtime, run->layer);
    return false;
}

static void on_unpacked(void *ctx, const char *said, const struct error *err) {
    struct build_run *run = ctx;
    struct error own = ERROR_INIT;
    run->unpacking = NULL;
    if (!err && (!take_image(run, said, &own) || !add_user_step(run, &own)))
        err = &own;
    if (err)
        build_fail(run, err);
    else
        build_next_step(run);
}

static void begin_import(struct build_run *run) {
    build_log(run->core, run->build, LOG_INFO, "base", "[base] FROM FILE %s", run->spec.from_file);
    ids_uuid(run->layer);
    run->unpacking =
        runtime_unpack(run->core->config.runtime, run->layer, run->spec.file, on_unpacked, run);
}

void build_begin(struct build_run *run) {
    struct error err = ERROR_INIT;
    run->is_forced = run->spec.force;
    snprintf(run->step, sizeof(run->step), "%s%sbase",
             build_is_last_stage(run) ? "" : build_stage_now(run)->name,
             build_is_last_stage(run) ? "" : ":");
    if (run->spec.from_file)
        begin_import(run);
    else if (begin_base(run, &err) && add_user_step(run, &err))
        build_next_step(run);
    else
        build_fail(run, &err);
}
