/* SPDX-License-Identifier: Apache-2.0
 *
 * Tags of recipes: names that point to one build each, and are moved.
 */
#include "backend/core/core.h"
#include "backend/core/recipe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TAGS = 64, MAX_TAG = 128 };

static bool is_tag(const char *text) {
    size_t len = strlen(text);
    return len >= 1 && len <= MAX_TAG &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == len;
}

bool recipe_check_tags(const json_t *tags, struct error *err) {
    size_t i;
    json_t *tag;
    if (json_array_size(tags) > MAX_TAGS)
        return error_set(err, ERR_INVALID, "more than %d tags", MAX_TAGS);
    json_array_foreach(tags, i, tag) {
        const char *text = json_string_value(tag);
        if (!text || !is_tag(text))
            return error_set(err, ERR_INVALID, "invalid tag '%.100s'", text ? text : "");
    }
    return true;
}

struct recipe_tag *recipe_tag_find(const struct recipe *recipe, const char *tag) {
    struct recipe_tag *at = recipe->tags;
    while (at && strcmp(at->tag, tag) != 0)
        at = at->next;
    return at;
}

bool recipe_tag_load(struct recipe *recipe, struct build *build, const char *tag,
                     int64_t created_ms) {
    struct recipe_tag *found = recipe_tag_find(recipe, tag), **end = &recipe->tags;
    if (!found) {
        found = calloc(1, sizeof(*found));
        if (!found)
            return false;
        snprintf(found->tag, sizeof(found->tag), "%s", tag);
        while (*end)
            end = &(*end)->next;
        *end = found;
    }
    found->build = build;
    found->created_ms = created_ms;
    return true;
}

bool recipe_tag_set(struct core *core, struct build *build, const char *tag, struct error *err) {
    const struct tag_row row = {.recipe_id = build->recipe->id,
                                .tag = tag,
                                .build_id = build->id,
                                .created_ms = clock_now_ms()};
    return store_tag_put(core->config.store, &row, err) &&
           (recipe_tag_load(build->recipe, build, tag, row.created_ms) ||
            error_errno(err, ENOMEM, "cannot keep the tag"));
}

struct build *recipe_assign_tags(struct core *core, const char *target, const json_t *tags,
                                 struct error *err) {
    char name[TEMPLATE_REFERENCE], tag[TEMPLATE_REFERENCE];
    struct recipe *recipe = recipe_find(core, target, err);
    size_t i;
    json_t *value;
    if (!recipe || !template_parse_name(target, name, tag, err) || !recipe_check_tags(tags, err))
        return NULL;
    const struct recipe_tag *found = recipe_tag_find(recipe, tag);
    if (!found) {
        error_set(err, ERR_NOT_FOUND, "tag '%s' does not exist for template '%s'", tag, name);
        return NULL;
    }
    struct build *build = found->build;
    json_array_foreach(tags, i, value) {
        if (!recipe_tag_set(core, build, json_string_value(value), err))
            return NULL;
    }
    return build;
}

static bool remove_tag(struct core *core, struct recipe *recipe, const char *tag,
                       struct error *err) {
    struct recipe_tag **at = &recipe->tags;
    while (*at && strcmp((*at)->tag, tag) != 0)
        at = &(*at)->next;
    if (!*at)
        return true;
    if (!store_tag_delete(core->config.store, recipe->id, tag, err))
        return false;
    struct recipe_tag *gone = *at;
    *at = gone->next;
    free(gone);
    return true;
}

bool recipe_remove_tags(struct core *core, const char *name, const json_t *tags,
                        struct error *err) {
    struct recipe *recipe = recipe_find(core, name, err);
    size_t i;
    json_t *value;
    if (!recipe || !recipe_check_tags(tags, err))
        return false;
    json_array_foreach(tags, i, value) {
        if (strcmp(json_string_value(value), TEMPLATE_DEFAULT_TAG) == 0)
            return error_set(err, ERR_INVALID, "cannot remove the tag '" TEMPLATE_DEFAULT_TAG "'");
    }
    json_array_foreach(tags, i, value) {
        if (!remove_tag(core, recipe, json_string_value(value), err))
            return false;
    }
    return true;
}
