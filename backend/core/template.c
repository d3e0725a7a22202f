/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/template.h"
#include "backend/core/core.h"
#include "backend/core/recipe.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The id is the hosted service's own for its `base`, so that whoever wrote it down is understood.
 */
static const struct template base = {
    .id = "rki5dems9wqfm4r03t7g",
    .build_id = "00000000-0000-4000-8000-0000000ba5e0",
    .alias = "base",
    .default_user = "user",
};

static const char *const base_names[] = {"base", "e2bdev/base", "rki5dems9wqfm4r03t7g"};

struct reference {
    char name[TEMPLATE_REFERENCE]; /* lower case, "namespace/alias" or "alias" */
    char tag[TEMPLATE_REFERENCE];
};

static bool is_segment(const char *text, const char *more) {
    for (const char *at = text; *at; at++)
        if (!islower((unsigned char)*at) && !isdigit((unsigned char)*at) && !strchr(more, *at))
            return false;
    return *text != '\0';
}

static bool is_name(char *name) {
    char *slash = strchr(name, '/');
    if (!slash)
        return is_segment(name, "-_");
    *slash = '\0';
    bool ok = is_segment(name, "-_") && is_segment(slash + 1, "-_");
    *slash = '/';
    return ok;
}

/* Copies in lower case, without the white space at both ends. */
static bool copy_trimmed(char to[static TEMPLATE_REFERENCE], const char *from, size_t len) {
    while (len && isspace((unsigned char)*from))
        from++, len--;
    while (len && isspace((unsigned char)from[len - 1]))
        len--;
    if (len >= TEMPLATE_REFERENCE)
        return false;
    for (size_t i = 0; i < len; i++)
        to[i] = (char)tolower((unsigned char)from[i]);
    to[len] = '\0';
    return true;
}

static void drop_own_namespace(char *name) {
    static const char own[] = CORE_TEAM_SLUG "/";
    if (strncmp(name, own, sizeof(own) - 1) == 0)
        memmove(name, name + sizeof(own) - 1, strlen(name) - sizeof(own) + 2);
}

static bool parse(const char *text, struct reference *reference, struct error *err) {
    size_t name_len = strcspn(text, ":");
    const char *tag = text[name_len] ? text + name_len + 1 : TEMPLATE_DEFAULT_TAG;
    if (copy_trimmed(reference->name, text, name_len) && is_name(reference->name) &&
        copy_trimmed(reference->tag, tag, strlen(tag)) && is_segment(reference->tag, "-_.")) {
        drop_own_namespace(reference->name);
        return true;
    }
    return error_set(err, ERR_INVALID, "validation error: invalid template reference '%.200s'",
                     text);
}

bool template_is_base(const char *name) {
    for (size_t i = 0; i < ARRAY_LEN(base_names); i++)
        if (strcmp(name, base_names[i]) == 0)
            return true;
    return false;
}

/* By name and tag, or by its id, of which there is one. *known tells whether another tag has it. */
static struct template *find(const struct core *core, const struct reference *reference,
                             bool *known) {
    const bool is_default = strcmp(reference->tag, TEMPLATE_DEFAULT_TAG) == 0;
    for (struct template *at = core->templates; at; at = at->next) {
        bool by_id = strcmp(at->id, reference->name) == 0;
        bool by_name = *at->name && strcmp(at->name, reference->name) == 0;
        if (by_id ? is_default : by_name && strcmp(at->tag, reference->tag) == 0)
            return at;
        *known |= by_id || by_name;
    }
    return NULL;
}

static void say_not_found(const struct reference *reference, bool known, struct error *err) {
    if (known)
        error_set(err, ERR_NOT_FOUND, "tag '%s' does not exist for template '%s'", reference->tag,
                  reference->name);
    else
        error_set(err, ERR_NOT_FOUND, "template '%s' not found", reference->name);
    error_hint(err, "`e2b template list` shows which there are");
}

const struct template *template_resolve(const struct core *core, const char *text,
                                        struct error *err) {
    struct reference reference;
    if (!parse(text, &reference, err))
        return NULL;
    bool known = template_is_base(reference.name);
    if (known && strcmp(reference.tag, TEMPLATE_DEFAULT_TAG) == 0)
        return &base;
    const struct template *found = known ? NULL : find(core, &reference, &known);
    if (!found && !known)
        found = recipe_template(core, reference.name, reference.tag, &known);
    if (!found)
        say_not_found(&reference, known, err);
    return found;
}

const struct template *template_by_id(const struct core *core, const char *id,
                                      const char *build_id) {
    if (strcmp(id, base.id) == 0)
        return &base;
    const struct template *at = core->templates;
    while (at && strcmp(at->id, id) != 0)
        at = at->next;
    return at ? at : recipe_template_of(core, id, build_id);
}

const struct template *template_base(void) {
    return &base;
}

bool template_parse_name(const char *text, char name[static TEMPLATE_REFERENCE],
                         char tag[static TEMPLATE_REFERENCE], struct error *err) {
    struct reference reference;
    if (!parse(text, &reference, err))
        return false;
    memcpy(name, reference.name, TEMPLATE_REFERENCE);
    memcpy(tag, reference.tag, TEMPLATE_REFERENCE);
    return true;
}

bool template_check_name(const char *text, char name[static TEMPLATE_REFERENCE],
                         char tag[static TEMPLATE_REFERENCE], struct error *err) {
    if (!template_parse_name(text, name, tag, err))
        return false;
    if (template_is_base(name))
        return error_set(err, ERR_INVALID, "the name '%s' is that of the base template", name);
    const char *slash = strchr(name, '/');
    if (!slash)
        return true;
    error_set(err, ERR_FORBIDDEN, "namespace '%.*s' must match your team '%s'", (int)(slash - name),
              name, CORE_TEAM_SLUG);
    return error_hint(err, "leave it out");
}

const char *sandbox_template_id(const struct core *core, const char *text) {
    struct error ignored = ERROR_INIT;
    const struct template *found = template_resolve(core, text, &ignored);
    return found ? found->id : NULL;
}
