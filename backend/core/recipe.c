/* SPDX-License-Identifier: Apache-2.0
 *
 * See recipe.h.
 */
#include "backend/core/recipe.h"
#include "backend/core/build_run.h"
#include "backend/core/core.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAX_RECIPES = 10000, MAX_NAME = 128 };

struct recipe *recipe_first(const struct core *core) {
    return core->recipes;
}

static struct recipe *by_id(const struct core *core, const char *id) {
    struct recipe *at = core->recipes;
    while (at && strcmp(at->id, id) != 0)
        at = at->next;
    return at;
}

static struct recipe *by_name(const struct core *core, const char *name) {
    struct recipe *at = core->recipes;
    while (at && strcmp(at->name, name) != 0)
        at = at->next;
    return at ? at : by_id(core, name);
}

struct recipe *recipe_find(const struct core *core, const char *reference, struct error *err) {
    char name[TEMPLATE_REFERENCE], tag[TEMPLATE_REFERENCE];
    if (!template_parse_name(reference, name, tag, err))
        return NULL;
    struct recipe *found = by_name(core, name);
    if (!found)
        error_set(err, ERR_NOT_FOUND, "template '%s' not found", name);
    return found;
}

const struct template *recipe_template(const struct core *core, const char *name, const char *tag,
                                       bool *known) {
    const struct recipe *recipe = by_name(core, name);
    const struct recipe_tag *found = recipe ? recipe_tag_find(recipe, tag) : NULL;
    *known = recipe && recipe->tags;
    return found ? found->build->template : NULL;
}

static struct build *build_of(const struct recipe *recipe, const char *id) {
    struct build *at = recipe->newest;
    while (at && strcmp(at->id, id) != 0)
        at = at->older;
    return at;
}

const struct template *recipe_template_of(const struct core *core, const char *id,
                                          const char *build_id) {
    const struct recipe *recipe = by_id(core, id);
    const struct build *build = recipe ? build_of(recipe, build_id) : NULL;
    return build ? build->template : NULL;
}

struct build *build_find(const struct core *core, const char *recipe, const char *id,
                         struct error *err) {
    struct recipe *found = by_name(core, recipe);
    struct build *build = found ? build_of(found, id) : NULL;
    if (!build)
        error_set(err, ERR_INVALID, "Build '%.100s' not found", id);
    return build;
}

void recipes_each_overlays(const struct core *core,
                           void (*each)(void *ctx, const struct overlays *overlays), void *ctx) {
    for (const struct recipe *recipe = core->recipes; recipe; recipe = recipe->next)
        for (const struct build *build = recipe->newest; build; build = build->older) {
            if (build->template)
                each(ctx, &build->template->overlays);
            if (build->run)
                build_run_each_overlays(build->run, each, ctx);
        }
}

bool recipes_make_layer(const struct core *core, const char *name) {
    for (const struct recipe *recipe = core->recipes; recipe; recipe = recipe->next)
        for (const struct build *build = recipe->newest; build; build = build->older)
            if (build->run && strcmp(build_run_layer(build->run), name) == 0)
                return true;
    return false;
}

/* ---- the store ---- */

static bool recipe_save(struct core *core, const struct recipe *recipe, struct error *err) {
    const struct recipe_row row = {
        .id = recipe->id,
        .name = recipe->name,
        .is_public = recipe->is_public,
        .created_ms = recipe->created_ms,
        .updated_ms = recipe->updated_ms,
        .spawned_ms = recipe->spawned_ms,
        .spawn_count = recipe->spawn_count,
    };
    return store_recipe_put(core->config.store, &row, err);
}

bool build_save(struct core *core, struct build *build, struct error *err) {
    const struct template *made = build->template;
    cleanup_json json_t *layers = made ? overlays_print(&made->overlays) : json_object();
    cleanup_free char *overlays = json_dumps(layers, JSON_COMPACT);
    cleanup_free char *tags = json_dumps(build->tags, JSON_COMPACT);
    if (!overlays || !tags)
        return error_errno(err, ENOMEM, "cannot record the build");
    build->updated_ms = clock_now_ms();
    const struct build_row row = {
        .id = build->id,
        .recipe_id = build->recipe->id,
        .status = build->status,
        .created_ms = build->created_ms,
        .updated_ms = build->updated_ms,
        .finished_ms = build->finished_ms,
        .cpus = build->cpus,
        .memory_mb = build->memory_mb,
        .tags = tags,
        .start_cmd = made && made->start_cmd ? made->start_cmd : "",
        .ready_cmd = made && made->ready_cmd ? made->ready_cmd : "",
        .user = made ? made->default_user : "",
        .workdir = made && made->default_workdir ? made->default_workdir : "",
        .env = made ? made->env : (struct pairs){NULL, 0},
        .overlays = overlays,
        .reason = build->reason ? build->reason : "",
        .reason_step = build->reason_step,
    };
    return store_build_put(core->config.store, &row, err);
}

static struct recipe *add_recipe(struct core *core, const char *id, const char *name) {
    struct recipe **end = &core->recipes, *recipe = calloc(1, sizeof(*recipe));
    if (!recipe)
        return NULL;
    snprintf(recipe->id, sizeof(recipe->id), "%s", id);
    snprintf(recipe->name, sizeof(recipe->name), "%s", name);
    while (*end)
        end = &(*end)->next;
    *end = recipe;
    return recipe;
}

static struct build *add_build(struct recipe *recipe, const char *id) {
    struct build *build = memory_need(sizeof(*build));
    snprintf(build->id, sizeof(build->id), "%s", id);
    build->recipe = recipe;
    build->older = recipe->newest;
    recipe->newest = build;
    return build;
}

static void build_free(struct build *build) {
    if (build->template)
        template_free(build->template);
    json_decref(build->tags);
    free(build->reason);
    free(build);
}

static void recipe_free(struct recipe *recipe) {
    while (recipe->newest) {
        struct build *build = recipe->newest;
        recipe->newest = build->older;
        build_free(build);
    }
    while (recipe->tags) {
        struct recipe_tag *tag = recipe->tags;
        recipe->tags = tag->next;
        free(tag);
    }
    free(recipe);
}

void recipes_free(struct core *core) {
    while (core->recipes) {
        struct recipe *recipe = core->recipes;
        core->recipes = recipe->next;
        recipe_free(recipe);
    }
}

/* ---- load ---- */

static void on_recipe(void *ctx, const struct recipe_row *row) {
    struct recipe *recipe = add_recipe(ctx, row->id, row->name);
    if (!recipe)
        return;
    recipe->is_public = row->is_public;
    recipe->created_ms = row->created_ms;
    recipe->updated_ms = row->updated_ms;
    recipe->spawned_ms = row->spawned_ms;
    recipe->spawn_count = row->spawn_count;
}

static bool load_template(struct build *build, const struct build_row *row, struct error *err) {
    const struct template_row as_template = {
        .id = build->recipe->id,
        .build_id = build->id,
        .name = build->recipe->name,
        .tag = "",
        .sandbox_id = "",
        .user = row->user,
        .workdir = row->workdir,
        .env = row->env,
        .overlays = row->overlays,
        .created_ms = row->finished_ms,
        .start_cmd = row->start_cmd,
        .ready_cmd = row->ready_cmd,
    };
    build->template = template_new(&as_template, err);
    if (!build->template)
        return false;
    build->template->cpus = row->cpus;
    build->template->memory_mb = row->memory_mb;
    return true;
}

/* No build outlives the daemon that ran it. */
static void end_interrupted(struct core *core, struct build *build) {
    struct error err = ERROR_INIT;
    build->status = BUILD_FAILED;
    build->finished_ms = clock_now_ms();
    build->reason = strdup("the backend ended while the template was being built: build it again");
    if (!build_save(core, build, &err))
        log_warn("the end of a build was not recorded", "build", build->id, "error", err.message);
}

static void on_build(void *ctx, const struct build_row *row) {
    struct core *core = ctx;
    struct error err = ERROR_INIT;
    struct recipe *recipe = by_id(core, row->recipe_id);
    struct build *build = recipe ? add_build(recipe, row->id) : NULL;
    if (!build)
        return;
    build->status = row->status;
    build->created_ms = row->created_ms;
    build->updated_ms = row->updated_ms;
    build->finished_ms = row->finished_ms;
    build->cpus = row->cpus;
    build->memory_mb = row->memory_mb;
    build->tags = json_parse(row->tags, strlen(row->tags), &err);
    if (!build->tags)
        build->tags = json_array();
    build->reason = *row->reason ? strdup(row->reason) : NULL;
    snprintf(build->reason_step, sizeof(build->reason_step), "%s", row->reason_step);
    if (build->status == BUILD_READY && strcmp(row->overlays, "{}") != 0 &&
        !load_template(build, row, &err))
        log_warn("a build is not understood", "build", build->id, "error", err.message);
}

static void on_tag(void *ctx, const struct tag_row *row) {
    struct recipe *recipe = by_id(ctx, row->recipe_id);
    struct build *build = recipe ? build_of(recipe, row->build_id) : NULL;
    if (build)
        recipe_tag_load(recipe, build, row->tag, row->created_ms);
}

bool recipes_load(struct core *core, struct error *err) {
    struct store *store = core->config.store;
    if (!store_recipe_each(store, on_recipe, core, err) ||
        !store_build_each(store, on_build, core, err) || !store_tag_each(store, on_tag, core, err))
        return false;
    for (struct recipe *recipe = core->recipes; recipe; recipe = recipe->next)
        for (struct build *build = recipe->newest; build; build = build->older)
            if (build->status == BUILD_BUILDING)
                end_interrupted(core, build);
    return true;
}

/* ---- changes ---- */

void recipe_count_spawn(struct core *core, const char *id) {
    struct error err = ERROR_INIT;
    struct recipe *recipe = by_id(core, id);
    if (!recipe)
        return;
    recipe->spawn_count++;
    recipe->spawned_ms = clock_now_ms();
    if (!recipe_save(core, recipe, &err))
        log_warn("a sandbox of a template was not counted", "template", id, "error", err.message);
}

bool recipe_was_ready(const struct recipe *recipe) {
    const struct build *at = recipe->newest;
    while (at && at->status != BUILD_READY)
        at = at->older;
    return at;
}

bool recipe_publish(struct core *core, struct recipe *recipe, bool is_public, struct error *err) {
    recipe->is_public = is_public;
    return recipe_save(core, recipe, err);
}

static void release_layers(struct core *core, struct template *template) {
    struct overlays overlays = template->overlays;
    template->overlays.count = 0;
    layers_release(core, &overlays);
    overlays_free(&overlays);
}

static void take_out(struct core *core, struct recipe *recipe) {
    struct recipe **at = &core->recipes;
    while (*at != recipe)
        at = &(*at)->next;
    *at = recipe->next;
}

bool recipe_delete(struct core *core, struct recipe *recipe, struct error *err) {
    if (template_is_used(core, recipe->id, NULL))
        return error_set(err, ERR_INVALID,
                         "cannot delete template '%s' because there are running sandboxes using it",
                         recipe->name);
    if (!store_recipe_delete(core->config.store, recipe->id, err))
        return false;
    for (struct build *build = recipe->newest; build; build = build->older)
        if (build->run)
            build_run_forget(build->run);
    take_out(core, recipe);
    for (struct build *build = recipe->newest; build; build = build->older)
        if (build->template)
            release_layers(core, build->template);
    recipe_free(recipe);
    return true;
}

static struct recipe *make_recipe(struct core *core, const char *name, struct error *err) {
    char id[ID_TEMPLATE];
    ids_template(id);
    struct recipe *recipe = add_recipe(core, id, name);
    if (!recipe)
        error_errno(err, ENOMEM, "cannot make a template");
    else
        recipe->created_ms = clock_now_ms();
    return recipe;
}

static bool check_request(const struct core *core, const struct build_request *request,
                          char name[static TEMPLATE_REFERENCE], char tag[static TEMPLATE_REFERENCE],
                          struct error *err) {
    size_t count = 0;
    if (!template_check_name(request->name, name, tag, err) ||
        !recipe_check_tags(request->tags, err))
        return false;
    if (strlen(name) > MAX_NAME)
        return error_set(err, ERR_INVALID, "a template's name has at most %d characters", MAX_NAME);
    for (const struct template *at = core->templates; at; at = at->next)
        if (strcmp(at->name, name) == 0)
            return error_set(err, ERR_CONFLICT, "the name '%s' is that of a snapshot", name);
    for (const struct recipe *at = core->recipes; at; at = at->next)
        count++;
    return count < MAX_RECIPES ||
           error_set(err, ERR_LIMIT, "there are %d templates already", MAX_RECIPES);
}

/* The tag behind the name, and those given apart; the default one if there is none. */
static json_t *all_tags(const struct build_request *request, const char *tag) {
    json_t *tags = json_array(), *value;
    size_t i;
    if (strchr(request->name, ':') || !json_array_size(request->tags))
        json_array_append_new(tags, json_string(tag));
    json_array_foreach(request->tags, i, value) {
        if (!strchr(request->name, ':') || strcmp(json_string_value(value), tag) != 0)
            json_array_append(tags, value);
    }
    return tags;
}

struct build *build_new(struct core *core, const struct build_request *request, struct error *err) {
    char name[TEMPLATE_REFERENCE], tag[TEMPLATE_REFERENCE], id[ID_UUID];
    if (!check_request(core, request, name, tag, err))
        return NULL;
    struct recipe *recipe = by_name(core, name);
    if (!recipe && !(recipe = make_recipe(core, name, err)))
        return NULL;
    ids_uuid(id);
    struct build *build = add_build(recipe, id);
    build->status = BUILD_WAITING;
    build->created_ms = recipe->updated_ms = clock_now_ms();
    build->cpus = request->cpus;
    build->memory_mb = request->memory_mb;
    build->tags = all_tags(request, tag);
    if (recipe_save(core, recipe, err) && build_save(core, build, err))
        return build;
    recipe->newest = build->older;
    build_free(build);
    if (!recipe->newest) {
        take_out(core, recipe);
        recipe_free(recipe);
    }
    return NULL;
}

bool build_publish(struct core *core, struct build *build, struct error *err) {
    struct recipe *recipe = build->recipe;
    size_t i;
    json_t *tag;
    build->status = BUILD_READY;
    build->finished_ms = recipe->updated_ms = clock_now_ms();
    if (!build_save(core, build, err) || !recipe_save(core, recipe, err))
        return false;
    json_array_foreach(build->tags, i, tag) {
        if (!recipe_tag_set(core, build, json_string_value(tag), err))
            return false;
    }
    return true;
}

/* ---- what nobody needs ---- */

static bool is_tagged(const struct build *build) {
    for (const struct recipe_tag *at = build->recipe->tags; at; at = at->next)
        if (at->build == build)
            return true;
    return false;
}

static void forget_layers(struct core *core, struct build *build) {
    struct error err = ERROR_INIT;
    struct template *gone = steal_ptr(&build->template);
    if (!build_save(core, build, &err)) {
        build->template = gone;
        return;
    }
    release_layers(core, gone);
    template_free(gone);
}

void recipes_collect(struct core *core, int64_t before_ms) {
    for (struct recipe *recipe = core->recipes; recipe; recipe = recipe->next)
        for (struct build *build = recipe->newest; build; build = build->older)
            if (build->template && !build->run && build->finished_ms < before_ms &&
                !is_tagged(build) && !template_is_used(core, recipe->id, build->id))
                forget_layers(core, build);
}

static bool is_failed_since(const struct recipe *recipe, int64_t before_ms) {
    bool is_old = !recipe_was_ready(recipe);
    for (const struct build *at = recipe->newest; is_old && at; at = at->older)
        is_old = !at->run && at->updated_ms < before_ms;
    return is_old;
}

void recipes_drop_failed(struct core *core, int64_t before_ms) {
    struct error err = ERROR_INIT;
    for (struct recipe *recipe = core->recipes, *next; recipe; recipe = next) {
        next = recipe->next;
        if (is_failed_since(recipe, before_ms) && !recipe_delete(core, recipe, &err))
            return;
    }
}
