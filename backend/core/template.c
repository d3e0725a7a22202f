/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/template.h"
#include "backend/core/sandbox.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_REFERENCE = 256 };

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
    char name[MAX_REFERENCE]; /* lower case, "namespace/alias" or "alias" */
    char tag[MAX_REFERENCE];
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
static bool copy_trimmed(char to[static MAX_REFERENCE], const char *from, size_t len) {
    while (len && isspace((unsigned char)*from))
        from++, len--;
    while (len && isspace((unsigned char)from[len - 1]))
        len--;
    if (len >= MAX_REFERENCE)
        return false;
    for (size_t i = 0; i < len; i++)
        to[i] = (char)tolower((unsigned char)from[i]);
    to[len] = '\0';
    return true;
}

static bool parse(const char *text, struct reference *reference, struct error *err) {
    size_t name_len = strcspn(text, ":");
    const char *tag = text[name_len] ? text + name_len + 1 : "default";
    if (copy_trimmed(reference->name, text, name_len) && is_name(reference->name) &&
        copy_trimmed(reference->tag, tag, strlen(tag)) && is_segment(reference->tag, "-_."))
        return true;
    return error_set(err, ERR_INVALID, "validation error: invalid template reference '%.200s'",
                     text);
}

const struct template *template_resolve(const char *text, struct error *err) {
    struct reference reference;
    if (!parse(text, &reference, err))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(base_names); i++) {
        if (strcmp(reference.name, base_names[i]) != 0)
            continue;
        if (strcmp(reference.tag, "default") == 0)
            return &base;
        error_set(err, ERR_NOT_FOUND, "tag '%s' does not exist for template '%s'", reference.tag,
                  reference.name);
        return NULL;
    }
    error_set(err, ERR_NOT_FOUND, "template '%s' not found", reference.name);
    return NULL;
}

const struct template *template_by_id(const char *id) {
    return strcmp(id, base.id) == 0 ? &base : NULL;
}

const char *sandbox_template_id(const char *reference) {
    struct error ignored = ERROR_INIT;
    const struct template *found = template_resolve(reference, &ignored);
    return found ? found->id : NULL;
}
