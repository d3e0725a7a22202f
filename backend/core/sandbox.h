/* SPDX-License-Identifier: Apache-2.0
 *
 * What a sandbox is and may do: states, limits, time. Knows no HTTP, no JSON, no Linux; it drives
 * runtime/ and records in store/. All on the loop's thread.
 */
#ifndef E2B_CORE_SANDBOX_H
#define E2B_CORE_SANDBOX_H

#include "common/error.h"
#include "common/ids.h"
#include "common/clock.h"
#include "backend/runtime/runtime.h"

struct core;

enum sandbox_state {
    SANDBOX_STARTING, /* not listed yet */
    SANDBOX_RUNNING,
    SANDBOX_ENDING, /* being killed: answers as gone */
};

/* A list of "key", "value" pairs, ended by NULL; owned by whoever holds it. */
struct pairs {
    char **at;
    size_t count; /* of pairs */
};

struct process;

struct sandbox {
    char id[ID_SANDBOX];
    char template_id[ID_TEMPLATE];
    char build_id[ID_UUID];
    const char *alias; /* of the template; borrowed; may be NULL */
    enum sandbox_state state;
    int64_t started_ms, end_ms; /* wall clock */
    struct plan_limits limits;
    struct pairs metadata, env;
    bool secure;
    char access_token[65]; /* "" unless secure */
    bool internet;
    const char *default_user, *default_workdir; /* of the template; borrowed */

    struct core *core;
    struct guest *guest;       /* NULL while STARTING */
    struct process *processes; /* list, core/process.h */
    /* core's own */
    struct sandbox *next;
    uv_timer_t *timer;
};

struct sandbox_request {
    const char *template_ref; /* "base", "base:default", a template id */
    int64_t timeout_s;
    bool secure;
    bool internet;
    struct pairs metadata, env; /* taken over */
};

struct core_config {
    uv_loop_t *loop;
    struct runtime *runtime;
    struct store *store;
    unsigned max_sandboxes;
    int64_t max_timeout_s;
    const char *events_address;                 /* E2B_EVENTS_ADDRESS inside */
    void (*idle_changed)(void *ctx, bool idle); /* no sandbox lives (or one does again) */
    void *ctx;
};

struct core *core_start(const struct core_config *config, struct error *err);
/* Finds what an earlier daemon left: adopts running sandboxes, removes the rest; then `done`. */
void core_recover(struct core *core, void (*done)(void *ctx), void *ctx);
void core_stop(struct core *core); /* sandboxes live on */

/* Plans, starts, records; `done` gets a running sandbox or an error. */
typedef void (*sandbox_done)(void *ctx, struct sandbox *sandbox, const struct error *err);
void sandbox_create(struct core *core, struct sandbox_request *request, sandbox_done done,
                    void *ctx);
/* The plan that sandbox_create would execute, as JSON for a dry run. */
json_t *sandbox_dry_run(struct core *core, struct sandbox_request *request, struct error *err);
/* A running sandbox; NULL and ERR_NOT_FOUND with the contract's text otherwise. Accepts legacy
 * "<id>-<client>" names; ERR_INVALID for what cannot be an id. */
struct sandbox *sandbox_find(struct core *core, const char *id, struct error *err);
/* Ends it; `done` comes when nothing of it is left. False if it is ending already. */
bool sandbox_kill(struct sandbox *sandbox, const char *reason, void (*done)(void *ctx), void *ctx);
/* extend_only: never shortens (connect, refreshes). */
bool sandbox_set_timeout(struct sandbox *sandbox, int64_t timeout_s, bool extend_only,
                         struct error *err);
/* Newest first; borrowed until the next change of state. */
struct sandbox *sandbox_first(struct core *core);
unsigned sandbox_count(const struct core *core);

#endif
