/* SPDX-License-Identifier: Apache-2.0
 *
 * A template of what a sandbox wrote. Its name, if it gets one, is taken from the snapshot that had
 * it, which stays under its id.
 */
#include "backend/core/core.h"
#include "backend/core/logs.h"
#include "backend/core/recipe.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct snapshotting {
    struct order order;
    struct sandbox *sandbox;
    char name[TEMPLATE_REFERENCE], tag[TEMPLATE_REFERENCE];
    sandbox_snapshotted done;
    void *ctx;
};

static void fail(struct order *order, const struct error *err) {
    struct snapshotting *s = container_of(order, struct snapshotting, order);
    s->done(s->ctx, NULL, err);
    free(s);
}

/* A name is that of a template or of snapshots, so that each of its tags can be asked for. */
static bool is_free(const struct snapshotting *s, struct error *err) {
    struct error ignored = ERROR_INIT;
    return !*s->name || !recipe_find(s->order.core, s->name, &ignored) ||
           error_set(err, ERR_CONFLICT, "the name '%s' is that of a template", s->name);
}

static bool record(struct snapshotting *s, struct sandbox *sandbox, const struct overlays *overlays,
                   struct error *err) {
    char id[ID_TEMPLATE], build_id[ID_UUID];
    cleanup_json json_t *layers = overlays_print(overlays);
    cleanup_free char *text = json_dumps(layers, JSON_COMPACT);
    if (!text)
        return error_errno(err, ENOMEM, "cannot record the snapshot");
    ids_template(id);
    ids_uuid(build_id);
    const struct template *from =
        template_by_id(sandbox->core, sandbox->template_id, sandbox->build_id);
    struct template_row row = {
        .id = id,
        .build_id = build_id,
        .kind = TEMPLATE_SNAPSHOT,
        .name = s->name,
        .tag = s->tag,
        .sandbox_id = sandbox->id,
        .user = sandbox->default_user,
        .workdir = sandbox->default_workdir ? sandbox->default_workdir : "",
        .env = sandbox->env,
        .overlays = text,
        .start_cmd = from && from->start_cmd ? from->start_cmd : "",
        .ready_cmd = from && from->ready_cmd ? from->ready_cmd : "",
        .created_ms = clock_now_ms(),
    };
    return record_checkpoint(sandbox, &row, err) && template_add(s->order.core, &row, err);
}

static void on_captured(void *ctx, const struct overlays *overlays, const struct error *err) {
    struct snapshotting *s = ctx;
    struct core *core = s->order.core;
    struct error own = ERROR_INIT;
    if (err) {
        fail(&s->order, err);
        return;
    }
    struct sandbox *sandbox = sandbox_lookup(core, s->order.id, &own);
    if (!sandbox || !is_free(s, &own) || !record(s, sandbox, overlays, &own)) {
        layers_release(core, overlays);
        fail(&s->order, &own);
        return;
    }
    const struct template *made = template_newest(core);
    sandbox_log(sandbox, LOG_INFO, "copied as the snapshot %s", made->id);
    s->done(s->ctx, made, NULL);
    free(s);
}

static void begin(struct order *order, struct sandbox *sandbox) {
    capture(sandbox, on_captured, container_of(order, struct snapshotting, order));
}

void sandbox_snapshot(struct core *core, const char *id, const char *name, sandbox_snapshotted done,
                      void *ctx) {
    struct error err = ERROR_INIT;
    struct snapshotting *s = memory_need(sizeof(*s));
    *s = (struct snapshotting){
        .order = {.core = core, .begin = begin, .fail = fail}, .done = done, .ctx = ctx};
    if (name && (!template_check_name(name, s->name, s->tag, &err) || !is_free(s, &err)))
        fail(&s->order, &err);
    else
        order_give(&s->order, id);
}
