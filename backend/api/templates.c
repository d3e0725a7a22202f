/* SPDX-License-Identifier: Apache-2.0
 *
 * Templates as such: listed, looked at, published, deleted. Snapshots are deleted here, too.
 */
#include "backend/api/page.h"
#include "backend/api/template_json.h"

#include <string.h>

/* The recipe of the path's first parameter, or NULL and the answer was given. */
static struct recipe *recipe_of(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct recipe *recipe = recipe_find(api->core, call->params[0], &err);
    if (!recipe)
        exchange_reply_error(call->x, &err);
    return recipe;
}

static void list_v1(struct call *call) {
    const struct api *api = call->ctx;
    json_t *all = json_array();
    for (const struct recipe *at = recipe_first(api->core); at; at = at->next)
        if (recipe_was_ready(at))
            json_array_append_new(all, template_json_listed(at));
    json_array_append_new(all, template_json_base(api->core));
    exchange_reply_json(call->x, 200, all);
}

/* ---- in pages, newest first ---- */

static bool is_before(const struct recipe *a, const struct recipe *b) {
    return a->created_ms > b->created_ms ||
           (a->created_ms == b->created_ms && strcmp(a->id, b->id) < 0);
}

/* The first behind the cursor and behind `last` (NULL: of all). */
static const struct recipe *next(const struct api *api, const struct page *page,
                                 const struct recipe *last) {
    const struct recipe *best = NULL;
    for (const struct recipe *at = recipe_first(api->core); at; at = at->next)
        if (recipe_was_ready(at) && page_holds(page, at->created_ms, at->id) &&
            (!last || is_before(last, at)) && (!best || is_before(at, best)))
            best = at;
    return best;
}

static void list_v2(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct page page;
    if (!page_parse(call->x, &page, &err)) {
        exchange_reply_error(call->x, &err);
        return;
    }
    json_t *all = json_array();
    const struct recipe *last = NULL, *at = NULL;
    while (json_array_size(all) < (size_t)page.limit && (at = next(api, &page, last))) {
        json_array_append_new(all, template_json_listed(at));
        last = at;
    }
    if (at) /* the page is full, and at least base follows */
        page_add_next(call->x, &page, last->created_ms, last->id);
    else
        json_array_append_new(all, template_json_base(api->core));
    exchange_reply_json(call->x, 200, all);
}

/* ---- one ---- */

static void get(struct call *call) {
    struct error err = ERROR_INIT;
    struct page page;
    const struct recipe *recipe = recipe_of(call);
    if (!recipe)
        return;
    if (!page_parse(call->x, &page, &err)) {
        exchange_reply_error(call->x, &err);
        return;
    }
    json_t *builds = json_array();
    const struct build *last = NULL, *at = recipe->newest;
    for (; at && json_array_size(builds) < (size_t)page.limit; at = at->older)
        if (page_holds(&page, at->created_ms, at->id)) {
            json_array_append_new(builds, template_json_build(at));
            last = at;
        }
    if (at && last)
        page_add_next(call->x, &page, last->created_ms, last->id);
    json_t *detail = template_json_detail(recipe);
    json_object_set_new(detail, "builds", builds);
    exchange_reply_json(call->x, 200, detail);
}

static void delete (struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct recipe *recipe = recipe_find(api->core, call->params[0], &err);
    err = (struct error)ERROR_INIT;
    if (recipe ? recipe_delete(api->core, recipe, &err)
               : template_delete(api->core, call->params[0], &err))
        exchange_reply_empty(call->x, 204);
    else
        exchange_reply_error(call->x, &err);
}

static struct recipe *publish(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct recipe *recipe = recipe_of(call);
    if (!recipe)
        return NULL;
    bool is_public = recipe->is_public;
    if (json_get_bool(call->json, "public", &is_public, &err) &&
        recipe_publish(api->core, recipe, is_public, &err))
        return recipe;
    exchange_reply_error(call->x, &err);
    return NULL;
}

static void patch_v1(struct call *call) {
    if (publish(call))
        exchange_reply(call->x, 200, "application/json", "null", 4);
}

static void patch_v2(struct call *call) {
    const struct recipe *recipe = publish(call);
    if (recipe)
        exchange_reply_json(call->x, 200, json_pack("{s:o}", "names", template_json_names(recipe)));
}

static void get_alias(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    const char *name = call->params[0];
    const struct recipe *recipe = recipe_find(api->core, name, &err);
    err = (struct error)ERROR_INIT;
    if (recipe && !recipe_was_ready(recipe))
        recipe = NULL;
    const struct template *found = recipe ? NULL : template_resolve(api->core, name, &err);
    if (!recipe && !found)
        exchange_reply_error(call->x, &err);
    else
        exchange_reply_json(call->x, 200,
                            json_pack("{s:s, s:b}", "templateID", recipe ? recipe->id : found->id,
                                      "public", recipe ? recipe->is_public : 0));
}

const struct route api_template_routes[] = {
    {"GET", "/templates", 0, list_v1},
    {"GET", "/v2/templates", 0, list_v2},
    {"GET", "/templates/{id}", 0, get},
    {"DELETE", "/templates/{id}", 0, delete},
    {"PATCH", "/templates/{id}", ROUTE_JSON, patch_v1},
    {"PATCH", "/v2/templates/{id}", ROUTE_JSON, patch_v2},
    {"GET", "/templates/aliases/{alias}", 0, get_alias},
    {0},
};
