/* SPDX-License-Identifier: Apache-2.0
 *
 * The templates that were made here, in memory and in the store.
 */
#include "backend/core/core.h"
#include "common/json.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

static void release(const char *text) {
    free((void *)(uintptr_t)text);
}

void template_free(struct template *template) {
    release(template->id);
    release(template->build_id);
    release(template->default_user);
    release(template->default_workdir);
    release(template->name);
    release(template->tag);
    release(template->sandbox_id);
    release(template->start_cmd);
    release(template->ready_cmd);
    pairs_free(&template->env);
    overlays_free(&template->overlays);
    free(template);
}

static bool copy_texts(struct template *to, const struct template_row *row) {
    to->id = strdup(row->id);
    to->build_id = strdup(row->build_id);
    to->default_user = strdup(row->user);
    to->default_workdir = *row->workdir ? strdup(row->workdir) : NULL;
    to->name = strdup(row->name);
    to->tag = strdup(row->tag);
    to->sandbox_id = strdup(row->sandbox_id);
    to->start_cmd = strdup(row->start_cmd);
    to->ready_cmd = strdup(row->ready_cmd);
    to->created_ms = row->created_ms;
    if (to->name && *to->name)
        to->alias = to->name;
    return to->id && to->build_id && to->default_user && to->name && to->tag && to->sandbox_id &&
           to->start_cmd && to->ready_cmd && (to->default_workdir || !*row->workdir);
}

struct template *template_new(const struct template_row *row, struct error *err) {
    struct template *template = calloc(1, sizeof(*template));
    cleanup_json json_t *overlays = json_parse(row->overlays, strlen(row->overlays), err);
    if (template && overlays && copy_texts(template, row) &&
        pairs_copy(&template->env, &row->env) && overlays_parse(&template->overlays, overlays))
        return template;
    if (template)
        template_free(template);
    if (!err->kind)
        error_errno(err, ENOMEM, "cannot keep the template");
    return NULL;
}

static struct template **end_of_list(struct core *core) {
    struct template **last = &core->templates;
    while (*last)
        last = &(*last)->next;
    return last;
}

static void take_name(struct template *template) {
    release(template->name);
    release(template->tag);
    template->name = memory_need_text("");
    template->tag = memory_need_text("");
    template->alias = NULL;
}

/* A sandbox may show the name it was made by. */
static void forget_alias(struct core *core, const struct template *template) {
    for (struct sandbox *at = core->newest; at; at = at->older)
        if (at->alias == template->alias)
            at->alias = NULL;
}

bool template_add(struct core *core, struct template_row *row, struct error *err) {
    struct template *template = template_new(row, err);
    if (!template)
        return false;
    for (struct template *at = core->templates; at; at = at->next)
        if (*row->name && strcmp(at->name, row->name) == 0 && strcmp(at->tag, row->tag) == 0) {
            forget_alias(core, at);
            take_name(at);
        }
    *end_of_list(core) = template;
    return true;
}

static void on_row(void *ctx, struct template_row *row) {
    struct core *core = ctx;
    struct error err = ERROR_INIT;
    if (!template_add(core, row, &err))
        log_warn("a template is not understood", "template", row->id, "error", err.message);
}

bool templates_load(struct core *core, struct error *err) {
    return store_template_each(core->config.store, on_row, core, err);
}

void templates_free(struct core *core) {
    while (core->templates) {
        struct template *template = core->templates;
        core->templates = template->next;
        template_free(template);
    }
}

const struct template *template_first(const struct core *core) {
    return core->templates;
}

const struct template *template_newest(const struct core *core) {
    const struct template *at = core->templates;
    while (at && at->next)
        at = at->next;
    return at;
}

bool template_is_used(const struct core *core, const char *id, const char *build_id) {
    for (const struct sandbox *at = core->newest; at; at = at->older)
        if (strcmp(at->template_id, id) == 0 && (!build_id || strcmp(at->build_id, build_id) == 0))
            return true;
    return false;
}

bool template_delete(struct core *core, const char *reference, struct error *err) {
    const struct template *found = template_resolve(core, reference, err);
    if (!found)
        return false;
    struct template **at = &core->templates;
    while (*at && *at != found)
        at = &(*at)->next;
    struct template *gone = *at;
    if (!gone)
        return error_set(err, ERR_FORBIDDEN, "the base template cannot be deleted");
    if (template_is_used(core, gone->id, NULL))
        return error_set(err, ERR_INVALID,
                         "cannot delete template '%.200s' because there are running sandboxes "
                         "using it",
                         reference);
    if (!store_template_delete(core->config.store, gone->id, err))
        return false;
    *at = gone->next;
    layers_release(core, &gone->overlays);
    template_free(gone);
    return true;
}
