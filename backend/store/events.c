/* SPDX-License-Identifier: Apache-2.0
 *
 * See events.h.
 */
#include "backend/store/events.h"
#include "backend/store/internal.h"

#include <string.h>

static const char *const names[EVENT_TYPES] = {
    [EVENT_CREATED] = "sandbox.lifecycle.created",
    [EVENT_UPDATED] = "sandbox.lifecycle.updated",
    [EVENT_PAUSED] = "sandbox.lifecycle.paused",
    [EVENT_RESUMED] = "sandbox.lifecycle.resumed",
    [EVENT_KILLED] = "sandbox.lifecycle.killed",
    [EVENT_CHECKPOINTED] = "sandbox.lifecycle.checkpointed",
};

const char *event_type_name(enum event_type type) {
    return names[type];
}

enum event_type event_type_parse(const char *name) {
    enum event_type type = EVENT_CREATED;
    while (type < EVENT_TYPES && strcmp(name, names[type]) != 0)
        type++;
    return type < EVENT_TYPES ? type : 0;
}

void store_on_events(struct store *store, void (*written)(void *ctx), void *ctx) {
    store->events_written = written;
    store->events_ctx = ctx;
}

bool store_event_insert(struct store *store, const struct event_row *row, struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store,
        "INSERT INTO events (id, type, sandbox_id, template_id, build_id, execution_id, at_ms,"
        " data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        err);
    if (!s)
        return false;
    store_bind_text(s, 1, row->id);
    sqlite3_bind_int(s, 2, (int)row->type);
    store_bind_text(s, 3, row->sandbox_id);
    store_bind_text(s, 4, row->template_id);
    store_bind_text(s, 5, row->build_id);
    store_bind_text(s, 6, row->execution_id);
    sqlite3_bind_int64(s, 7, row->at_ms);
    store_bind_text(s, 8, row->data);
    if (!store_run(store, s, "cannot record an event", err))
        return false;
    store->has_events = true;
    return true;
}
