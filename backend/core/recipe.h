/* SPDX-License-Identifier: Apache-2.0
 *
 * Templates that are built: a recipe has a name, under which builds are made again and again, and
 * tags, each of which points to one build that is ready. All of it is in memory and in the store.
 */
#ifndef E2B_CORE_RECIPE_H
#define E2B_CORE_RECIPE_H

#include "backend/core/template.h"
#include "backend/store/builds.h"

struct core;
struct recipe;
struct build_run;

enum { BUILD_STEP = 96 };

struct build {
    char id[ID_UUID];
    struct recipe *recipe;
    enum build_status status;
    int64_t created_ms, updated_ms, finished_ms;
    int64_t cpus, memory_mb;
    json_t *tags;                 /* that it gets when it is ready */
    char *reason;                 /* why it failed; NULL */
    char reason_step[BUILD_STEP]; /* "base", "finalize" or the number of the step; of an earlier
                                     stage "NAME:base" and so on */
    struct template *template;    /* when it is ready, and its layers are still there */
    int64_t lines;                /* of its log */
    struct build_run *run;        /* while it is being built */
    struct build *older;
};

struct recipe_tag {
    char tag[TEMPLATE_REFERENCE];
    struct build *build;
    int64_t created_ms;
    struct recipe_tag *next;
};

struct recipe {
    char id[ID_TEMPLATE], name[TEMPLATE_REFERENCE];
    bool is_public;
    int64_t created_ms, updated_ms, spawned_ms, spawn_count;
    struct build *newest;
    struct recipe_tag *tags; /* oldest first */
    struct recipe *next;
};

bool recipes_load(struct core *core, struct error *err);
void recipes_free(struct core *core);
struct recipe *recipe_first(const struct core *core); /* oldest */
/* By id or name, whatever tag is behind it. */
struct recipe *recipe_find(const struct core *core, const char *reference, struct error *err);
/* For template.c: *known tells whether there is such a name, but not with this tag. */
const struct template *recipe_template(const struct core *core, const char *name, const char *tag,
                                       bool *known);
const struct template *recipe_template_of(const struct core *core, const char *id,
                                          const char *build_id);
void recipes_each_overlays(const struct core *core,
                           void (*each)(void *ctx, const struct overlays *overlays), void *ctx);
/* Does a build make the layer right now? */
bool recipes_make_layer(const struct core *core, const char *name);
/* A sandbox was made of it. */
void recipe_count_spawn(struct core *core, const char *id);
/* Was a build of it ready, ever? Until then it is nothing that could be listed or used. */
bool recipe_was_ready(const struct recipe *recipe);
bool recipe_publish(struct core *core, struct recipe *recipe, bool is_public, struct error *err);
/* Ends its builds first. ERR_INVALID while a sandbox is made of it. */
bool recipe_delete(struct core *core, struct recipe *recipe, struct error *err);

struct build_request {
    const char *name;   /* "[namespace/]alias[:tag]" */
    const json_t *tags; /* more of them; NULL: none */
    int64_t cpus, memory_mb;
};
/* A new build, which waits for its start. */
struct build *build_new(struct core *core, const struct build_request *request, struct error *err);
/* ERR_INVALID with the contract's text; `recipe` is an id or a name. */
struct build *build_find(const struct core *core, const char *recipe, const char *id,
                         struct error *err);
bool build_save(struct core *core, struct build *build, struct error *err);
/* It is ready: gets its tags. */
bool build_publish(struct core *core, struct build *build, struct error *err);
/* Those that never were ready go some time after their last build. */
void recipes_drop_failed(struct core *core, int64_t before_ms);
/* Untagged builds that no sandbox is made of lose their layers some time after. */
void recipes_collect(struct core *core, int64_t before_ms);

/* ---- recipe_tags.c ---- */
/* `target` is "name:tag". */
struct build *recipe_assign_tags(struct core *core, const char *target, const json_t *tags,
                                 struct error *err);
bool recipe_remove_tags(struct core *core, const char *name, const json_t *tags, struct error *err);
bool recipe_check_tags(const json_t *tags, struct error *err);
struct recipe_tag *recipe_tag_find(const struct recipe *recipe, const char *tag);
/* Both in the store and in memory. */
bool recipe_tag_set(struct core *core, struct build *build, const char *tag, struct error *err);
bool recipe_tag_load(struct recipe *recipe, struct build *build, const char *tag,
                     int64_t created_ms);

#endif
