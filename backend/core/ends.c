/* SPDX-License-Identifier: Apache-2.0
 *
 * The ends of sandboxes. One that ended has ended, also when the disk is too full to say so: what
 * cannot be recorded now is kept here and tried again, in its order. If the daemon dies before, the
 * next one finds that the sandbox is not there.
 */
#include "backend/core/core.h"
#include "backend/store/sandboxes.h"
#include "common/log.h"

#include <string.h>

enum { TRY_AGAIN_MS = 1000 };

struct end {
    struct end *next;
    char event_id[ID_UUID], sandbox_id[ID_SANDBOX];
    char template_id[ID_TEMPLATE], build_id[ID_UUID], execution_id[ID_UUID];
    int64_t at_ms;
    char *data;    /* of the event */
    char reason[]; /* of the tombstone */
};

static void end_free(struct end *end) {
    if (end)
        free(end->data);
    free(end);
}

/* Steals `data`. */
static struct end *describe(const struct sandbox *sandbox, const char *reason, json_t *data) {
    cleanup_json json_t *owned = data;
    const size_t size = strlen(reason) + 1;
    struct end *end = malloc(sizeof(*end) + size);
    if (!end || !(end->data = json_dumps(owned, JSON_COMPACT))) {
        free(end);
        return NULL;
    }
    end->next = NULL;
    ids_uuid(end->event_id);
    memcpy(end->sandbox_id, sandbox->id, sizeof(end->sandbox_id));
    memcpy(end->template_id, sandbox->template_id, sizeof(end->template_id));
    memcpy(end->build_id, sandbox->build_id, sizeof(end->build_id));
    memcpy(end->execution_id, sandbox->execution_id, sizeof(end->execution_id));
    end->at_ms = clock_now_ms();
    memcpy(end->reason, reason, size);
    return end;
}

static bool write_end(struct store *store, const struct end *end, struct error *err) {
    const struct event_row event = {
        .id = end->event_id,
        .type = EVENT_KILLED,
        .sandbox_id = end->sandbox_id,
        .template_id = end->template_id,
        .build_id = end->build_id,
        .execution_id = end->execution_id,
        .at_ms = end->at_ms,
        .data = end->data,
    };
    if (!store_begin(store, err))
        return false;
    if (store_event_insert(store, &event, err) &&
        store_sandbox_ended(store, end->sandbox_id, end->at_ms, end->reason, err))
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

static bool write_some(struct core *core) {
    struct error err = ERROR_INIT;
    while (core->ends && write_end(core->config.store, core->ends, &err)) {
        struct end *written = core->ends;
        core->ends = written->next;
        end_free(written);
    }
    return !core->ends;
}

static void on_timer(uv_timer_t *timer) {
    if (write_some(timer->data))
        uv_timer_stop(timer);
}

void ends_record(struct sandbox *sandbox, const char *reason, json_t *data) {
    struct core *core = sandbox->core;
    struct end *end = describe(sandbox, reason, data), **last = &core->ends;
    while (*last)
        last = &(*last)->next;
    *last = end;
    if (end && write_some(core))
        return;
    log_warn("the end of a sandbox was not recorded yet", "sandbox", sandbox->id);
    uv_timer_start(core->ends_timer, on_timer, TRY_AGAIN_MS, TRY_AGAIN_MS);
}

bool ends_start(struct core *core, struct error *err) {
    core->ends_timer = malloc(sizeof(*core->ends_timer));
    if (!core->ends_timer)
        return error_set(err, ERR_INTERNAL, "out of memory");
    uv_timer_init(core->config.loop, core->ends_timer);
    uv_unref((uv_handle_t *)core->ends_timer);
    core->ends_timer->data = core;
    return true;
}

static void on_closed(uv_handle_t *handle) {
    free(handle);
}

void ends_stop(struct core *core) {
    if (!write_some(core))
        log_warn("ends of sandboxes were not recorded: the next start does it");
    uv_close((uv_handle_t *)core->ends_timer, on_closed);
    while (core->ends) {
        struct end *end = core->ends;
        core->ends = end->next;
        end_free(end);
    }
}
