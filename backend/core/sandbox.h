/* SPDX-License-Identifier: Apache-2.0
 *
 * What a sandbox is and may do: states, limits, time. Knows no HTTP, no JSON, no Linux; it drives
 * runtime/ and records in store/. All on the loop's thread.
 */
#ifndef E2B_CORE_SANDBOX_H
#define E2B_CORE_SANDBOX_H

#include "backend/core/network_rules.h"
#include "backend/runtime/runtime.h"
#include "backend/store/pairs.h"
#include "backend/store/sandboxes.h"
#include "backend/store/store.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"

struct core;

enum sandbox_state {
    SANDBOX_STARTING, /* not listed yet */
    SANDBOX_RUNNING,
    SANDBOX_PAUSING,      /* stands still; its pause is not recorded yet */
    SANDBOX_PAUSED,       /* in memory, or as what it wrote */
    SANDBOX_RESUMING,     /* runs, or starts; that is not recorded yet */
    SANDBOX_SNAPSHOTTING, /* stands still while what it wrote is copied */
    SANDBOX_ENDING,       /* being killed: answers as gone */
};

/* What becomes of it when its time is over, and when somebody asks for one that is paused. */
struct sandbox_lifecycle {
    bool pauses, keeps_memory, auto_resume;
};

struct process;
struct making;
struct sandbox_wait;
struct resuming;

struct sandbox {
    char id[ID_SANDBOX];
    char template_id[ID_TEMPLATE];
    char build_id[ID_UUID];
    const char *alias; /* of the template; borrowed; may be NULL */
    enum sandbox_state state;
    int64_t started_ms; /* wall clock */
    int64_t end_ms;     /* steady time, core/steady.h */
    int64_t timeout_s;  /* as asked for at its creation */
    struct sandbox_lifecycle lifecycle;
    enum sandbox_paused paused; /* as recorded, and as clients are told */
    int64_t paused_ms;
    char execution_id[ID_UUID]; /* of the start that it runs from, or ran from */
    int64_t execution_ms;       /* steady time */
    struct plan_limits limits;
    struct pairs metadata, env;
    struct pairs mounts; /* path to the id of a volume */
    bool secure;
    char access_token[65];  /* "" unless secure */
    char traffic_token[65]; /* what its ports want to see; "" unless they are private */
    struct network_rules network;
    const char *default_user, *default_workdir; /* of the template; borrowed */

    struct core *core;
    struct guest *guest;       /* NULL while STARTING, and when nothing of it runs */
    struct process *processes; /* list, core/process.h */
    /* core's own */
    struct cpu_mark {
        int64_t us, at_us;
    } asked, sampled;              /* its processor time when it was last looked at */
    struct sandbox *newer, *older; /* the list, by start */
    struct sandbox *collision;     /* the hash index */
    struct making *making;         /* while STARTING */
    struct sandbox_log *log;       /* core/logs.h; NULL until something was said */
    struct overlays overlays;      /* what it was made of */
    struct resuming *resuming;     /* while it starts anew */
    struct sandbox_wait *waits;    /* until its change of state is over */
    const char *doom;              /* it is to end as soon as that is; static */
    bool is_lost;                  /* its first process ended during it */
    bool is_hidden;                /* a step of a build runs in it: nobody else knows of it */
    void (*ended)(void *ctx);      /* who waits for its end; may be NULL */
    void *ended_ctx;
};

struct sandbox_request {
    const char *template_ref; /* "base", "base:default", a template id */
    int64_t timeout_s;
    bool secure;
    struct sandbox_lifecycle lifecycle;
    struct network_rules network; /* taken over, as are these: */
    struct pairs metadata, env;
    struct pairs mounts; /* path to the name of a volume; not taken over */
};

/* What was not taken over. */
void sandbox_request_free(struct sandbox_request *request);

struct core_config {
    uv_loop_t *loop;
    struct runtime *runtime;
    struct store *store;
    const char *logs;  /* directory for the logs of sandboxes; NULL: none are kept */
    const char *state; /* directory, for what is uploaded */
    unsigned max_sandboxes;
    int64_t max_timeout_s;
    const char *secret_key;                     /* file with the key of the secrets */
    const char *events_address;                 /* E2B_EVENTS_ADDRESS inside */
    void (*idle_changed)(void *ctx, bool idle); /* no sandbox lives (or one does again) */
    void *ctx;
};

#define CORE_TEAM_SLUG "local"

struct core *core_start(const struct core_config *config, struct error *err);
/* Finds what an earlier daemon left: adopts running sandboxes, removes the rest; then `done`, which
 * may come from within the call. */
bool core_recover(struct core *core, void (*done)(void *ctx), void *ctx, struct error *err);
/* Sandboxes live on. Comes before runtime_stop, and the loop does not run between the two. */
void core_stop(struct core *core);
/* Removes what is kept for nobody: records of sandboxes that ended an hour ago and more, old base
 * templates, what was left in the trash. A dry run only counts. */
struct core_garbage {
    int64_t records;
    unsigned trash; /* directories that wait to be emptied, or could not be */
};
bool core_collect(struct core *core, bool dry_run, struct core_garbage *found, struct error *err);
uv_loop_t *core_loop(const struct core *core);
/* There is one team, called by a UUID that was made with the state. */
const char *core_team_id(const struct core *core);

/* Plans, starts, records; `done` gets a running sandbox or an error. Takes the request's pairs. May
 * answer from within the call. */
typedef void (*sandbox_done)(void *ctx, struct sandbox *sandbox, const struct error *err);
void sandbox_create(struct core *core, struct sandbox_request *request, sandbox_done done,
                    void *ctx);
/* The plan that sandbox_create would execute, as JSON for a dry run. */
json_t *sandbox_dry_run(struct core *core, struct sandbox_request *request, struct error *err);
/* The id in "<id>-<client>", as clients once called them, or `text` itself, which is longer than
 * any of ours. NULL and ERR_INVALID for what cannot be an id. */
const char *sandbox_read_id(const char *text, char id[static ID_SANDBOX], struct error *err);
/* A running or paused sandbox; NULL and ERR_NOT_FOUND with the contract's text otherwise (and when
 * and why it ended), ERR_CONFLICT while it is being killed, ERR_INVALID for what cannot be an id.
 */
struct sandbox *sandbox_lookup(struct core *core, const char *id, struct error *err);
/* The same of one that runs; ERR_CONFLICT for one that does not. */
struct sandbox *sandbox_find(struct core *core, const char *id, struct error *err);
bool sandbox_is_running(const struct sandbox *sandbox);
/* Ends it, or as soon as its change of state is over; `done` (may be NULL) comes when nothing of it
 * is left. False if it is ending already. `reason` is static, or the agent's last word. */
bool sandbox_kill(struct sandbox *sandbox, const char *reason, void (*done)(void *ctx), void *ctx);

/* ---- standing still --------------------------------------------------------------------------
 * Each of these waits until another change of the sandbox's state is over. */

/* `done` may come from within the call. */
typedef void (*sandbox_changed)(void *ctx, const struct error *err);
/* Without its memory its processes end, and it starts again from what it wrote. */
void sandbox_pause(struct core *core, const char *id, bool keep_memory, sandbox_changed done,
                   void *ctx);

struct sandbox_resume {
    int64_t timeout_s;
    bool drop_memory;         /* start again, even if it is there */
    bool must_resume;         /* one that runs is ERR_CONFLICT; else only its time is extended */
    bool sets_pauses, pauses; /* and what becomes of it at its end */
};
/* `resumed` tells it from one that ran. */
typedef void (*sandbox_resumed)(void *ctx, struct sandbox *sandbox, bool resumed,
                                const struct error *err);
void sandbox_resume(struct core *core, const char *id, const struct sandbox_resume *how,
                    sandbox_resumed done, void *ctx);

struct template;
/* A template of what it wrote; `name` ("[namespace/]alias[:tag]") may be NULL, and is taken from
 * the snapshot that had it. */
typedef void (*sandbox_snapshotted)(void *ctx, const struct template *snapshot,
                                    const struct error *err);
void sandbox_snapshot(struct core *core, const char *id, const char *name, sandbox_snapshotted done,
                      void *ctx);

/* New sandboxes over what it wrote; they start anew, without its processes. */
struct fork_result {
    char id[ID_SANDBOX]; /* "": it failed */
    struct error err;
};
typedef void (*sandbox_forked)(void *ctx, const struct fork_result *results, unsigned count,
                               const struct error *err);
enum { FORK_MAX = 100 };
void sandbox_fork(struct core *core, const char *id, int64_t timeout_s, unsigned count,
                  sandbox_forked done, void *ctx);
/* Is it one that a sandbox may be asked for with? */
bool sandbox_check_timeout(const struct core *core, int64_t timeout_s, struct error *err);
/* extend_only: never shortens (connect, refreshes). A time that is over ends it. */
bool sandbox_set_timeout(struct sandbox *sandbox, int64_t timeout_s, bool extend_only,
                         struct error *err);
/* Replaces what it may reach; the lists are taken over, who may reach it stays as it is. `done`
 * comes when the routes stand and the change is recorded. */
void sandbox_set_network(struct sandbox *sandbox, struct network_rules *rules,
                         void (*done)(void *ctx, const struct error *err), void *ctx);
/* Those that run, newest first, those of one millisecond by id; borrowed until the next change of
 * state. */
struct sandbox *sandbox_first(struct core *core);
struct sandbox *sandbox_older(const struct sandbox *sandbox);
/* The same with those that are paused. */
struct sandbox *sandbox_first_known(struct core *core);
struct sandbox *sandbox_older_known(const struct sandbox *sandbox);
unsigned sandbox_count(const struct core *core);       /* of all */
unsigned sandbox_count_alive(const struct core *core); /* but for the paused ones */
/* The template's id for a name such as "base" or "base:default"; NULL if there is none. */
const char *sandbox_template_id(const struct core *core, const char *reference);

struct sandbox_usage {
    struct guest_usage guest;
    double cpu_percent; /* of all its processors, since the last look at it; to hundredths */
};
bool sandbox_usage(struct sandbox *sandbox, struct sandbox_usage *usage, struct error *err);
/* What every process in it finds in its environment, the request's own aside. */
bool sandbox_environment(const struct sandbox *sandbox, struct pairs *environment);
/* False while it stands still for what it wrote: ERR_NO_SPACE, and what to do. */
bool sandbox_runs(const struct sandbox *sandbox, struct error *err);
const struct runtime_facts *sandbox_runtime_facts(const struct core *core);

#endif
