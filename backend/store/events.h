/* SPDX-License-Identifier: Apache-2.0
 *
 * What happened to sandboxes, one row a change of state, written in the transaction that changes
 * the state. Rows outlive their sandbox and are never changed; `seq` is the order in which they
 * were committed, and so what a reader keeps as its place.
 */
#ifndef E2B_STORE_EVENTS_H
#define E2B_STORE_EVENTS_H

#include "backend/store/store.h"

/* The numbers are in the file: add behind the last. */
enum event_type {
    EVENT_CREATED = 1,
    EVENT_UPDATED,
    EVENT_PAUSED,
    EVENT_RESUMED,
    EVENT_KILLED,
    EVENT_CHECKPOINTED,
    EVENT_TYPES,
};

struct event_row {
    int64_t seq;    /* given by the store */
    const char *id; /* UUID */
    enum event_type type;
    const char *sandbox_id, *template_id, *build_id;
    const char *execution_id; /* UUID, a new one for every start */
    int64_t at_ms;
    const char *data; /* the text of a JSON object; NULL: none */
};

bool store_event_insert(struct store *store, const struct event_row *row, struct error *err);

/* `written` hears, on the loop, of each committed transaction that inserted events. */
void store_on_events(struct store *store, void (*written)(void *ctx), void *ctx);

/* "sandbox.lifecycle.created"... and back; 0: no such type. */
const char *event_type_name(enum event_type type);
enum event_type event_type_parse(const char *name);

#endif
