/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of core/ share. A sandbox is in the index and in the list from the moment it is
 * begun until nothing of it is left; only a running one can be found from outside.
 */
#ifndef E2B_CORE_CORE_H
#define E2B_CORE_CORE_H

#include "backend/core/sandbox.h"
#include "backend/core/steady.h"
#include "backend/core/template.h"
#include "backend/store/events.h"
#include "backend/store/templates.h"

enum { CORE_BUCKETS = 1024, CORE_SEED = 32 };

struct core {
    struct core_config config;
    unsigned char seed[CORE_SEED]; /* of the access tokens; kept in the store */
    struct sandbox *buckets[CORE_BUCKETS];
    struct sandbox *newest;
    unsigned count;                /* in the index, in whatever state */
    unsigned paused;               /* of them */
    struct template *templates;    /* made here; oldest first */
    bool idle;                     /* as was last told */
    struct checkpoint *checkpoint; /* being done; NULL: none */
    uv_timer_t *timer;             /* the next end of a sandbox */
    int64_t timer_ms;              /* steady time; INT64_MAX: none */
    struct end *ends;              /* that are not recorded yet */
    uv_timer_t *ends_timer;
    struct key *keys; /* oldest first */
    unsigned key_count;
    char team_id[ID_UUID];
    struct metrics *metrics;
    struct logs *logs;      /* NULL: nothing is logged */
    struct volume *volumes; /* oldest first */
    struct recipe *recipes; /* oldest first */
    struct kept *kept;      /* layers for the next build */
    struct capturing *captures;
    unsigned builds;        /* under way */
    struct upload *uploads; /* archives that were announced */
    uv_timer_t *collecting; /* when to look for what no build needs any more */
};

/* ---- registry.c ---- */
void registry_add(struct core *core, struct sandbox *sandbox);
void registry_remove(struct core *core, struct sandbox *sandbox);
struct sandbox *registry_get(const struct core *core, const char *id);

/* ---- timeouts.c ---- */
bool timeouts_start(struct core *core, struct error *err);
void timeouts_stop(struct core *core);
/* A sandbox was added, or its end was moved. */
void timeouts_watch(struct core *core, const struct sandbox *sandbox);

/* ---- sandbox.c ---- */
extern const struct guest_events sandbox_guest_events;
struct sandbox *sandbox_new(struct core *core, const char *id); /* NULL: no memory */
void sandbox_free(struct sandbox *sandbox);
/* Its tokens; the network's rules are set before. */
bool sandbox_set_access(struct sandbox *sandbox, bool secure, struct error *err);
void sandbox_set_template(struct sandbox *sandbox, const struct template *template);
bool sandbox_set_overlays(struct sandbox *sandbox, const struct overlays *overlays,
                          struct error *err);
void sandbox_fill_plan(const struct sandbox *sandbox, struct plan *plan); /* which borrows */
void sandbox_enter(struct sandbox *sandbox);                              /* into the index */
void sandbox_leave(struct sandbox *sandbox);                              /* and out of it: freed */
enum { SANDBOX_OWN_ENV = 4 }; /* of sandbox_environment, before those given at the creation */
/* From now on it runs, and its time too. */
void sandbox_begin(struct sandbox *sandbox);
/* A new sandbox of a template; `overlays` NULL: the template's. */
struct sandbox_origin {
    const struct template *template;
    const struct overlays *overlays;
    enum event_type event; /* that it begins with */
};
void sandbox_make(struct core *core, const struct sandbox_origin *origin,
                  struct sandbox_request *request, sandbox_done done, void *ctx);

bool sandbox_is_known(const struct sandbox *sandbox); /* from outside */
void core_tell_idle(struct core *core);
void sandbox_carry_out_doom(struct sandbox *sandbox);

/* ---- warm.c ---- */
/* Runs the start command of its template, if that has one; then `done`. A new sandbox in which it
 * fails is ended; in one that was there before, that is told in its log. */
void sandbox_warm(struct sandbox *sandbox, bool is_new, sandbox_done done, void *ctx);

/* ---- pause.c ---- */
/* Its first process has ended by itself. */
void sandbox_guest_exited(void *sandbox, const char *reason);
/* The same, told when the change of state during which it did is over. */
void sandbox_was_lost(struct sandbox *sandbox);

/* ---- state.c ---- */
/* Aborts for what a sandbox cannot do. */
void sandbox_change(struct sandbox *sandbox, enum sandbox_state to);
/* The end of a change: those who waited for it go on. The sandbox may be gone then. */
void sandbox_settle(struct sandbox *sandbox, enum sandbox_state to);
void sandbox_drop_waits(struct sandbox *sandbox);
/* Tells when a change of its state is over, or the sandbox is gone; at once if there is none. */
void sandbox_await(struct sandbox *sandbox, void (*go)(void *ctx), void *ctx);
/* For who carries the change out: before anybody else can begin another one. */
void sandbox_await_first(struct sandbox *sandbox, void (*go)(void *ctx), void *ctx);

/* Something that is to be done to a settled sandbox. Embedded in what carries it out. */
struct order {
    struct core *core;
    char id[ID_SANDBOX];
    void (*begin)(struct order *order, struct sandbox *sandbox);
    void (*fail)(struct order *order, const struct error *err);
};
void order_give(struct order *order, const char *id);

/* ---- record.c: a change of state and its event, in one transaction ---- */
bool record_created(struct sandbox *sandbox, enum event_type event, struct error *err);
bool record_end_time(struct sandbox *sandbox, int64_t end_ms, struct error *err);
bool record_network(struct sandbox *sandbox, const struct network_rules *rules, struct error *err);
bool record_paused(struct sandbox *sandbox, enum sandbox_paused paused, struct error *err);
/* Takes its execution, end and lifecycle. */
bool record_resumed(struct sandbox *sandbox, struct error *err);
bool record_checkpoint(struct sandbox *sandbox, const struct template_row *template,
                       struct error *err); /* template NULL: of a fork */
void record_killed(struct sandbox *sandbox, const char *reason);

/* ---- ends.c: the last event of a sandbox, and its tombstone ---- */
bool ends_start(struct core *core, struct error *err);
void ends_stop(struct core *core);
void ends_record(struct sandbox *sandbox, const char *reason, json_t *data); /* steals `data` */

/* ---- capture.c ---- */
/* What a settled sandbox wrote, as overlays (freed after `done`) whose topmost layer is new. It
 * runs, or is paused, again when `done` comes, and the disk has the copy. */
typedef void (*capture_done)(void *ctx, const struct overlays *overlays, const struct error *err);
void capture(struct sandbox *sandbox, capture_done done, void *ctx);
/* Of those under way. */
void captures_each_overlays(const struct core *core,
                            void (*each)(void *ctx, const struct overlays *overlays), void *ctx);
bool captures_make_layer(const struct core *core, const char *name);

/* ---- layers.c ---- */
/* Discards those layers that neither a sandbox nor a template is made of any more. */
void layers_release(struct core *core, const struct overlays *overlays);
void layers_sweep(struct core *core);
bool layer_is_used(const struct core *core, const char *name);
/* By more than what is only kept for the next build. */
bool layer_is_needed(const struct core *core, const char *name);

/* ---- token.c ---- */
enum { TOKEN_TEXT = 65 };
bool token_load_seed(struct core *core, struct error *err);
bool token_make(const struct core *core, const char *name, char token[static TOKEN_TEXT]);

/* ---- keys.c ---- */
bool keys_load(struct core *core, struct error *err);
void keys_free(struct core *core); /* and what was not yet written of them is */

/* ---- metrics.c ---- */
bool metrics_start(struct core *core, struct error *err);
void metrics_stop(struct core *core);
void metrics_count_start(struct core *core); /* one more was started */

/* ---- logs.c ---- */
bool logs_start(struct core *core, const char *path, struct error *err);
void logs_stop(struct core *core);
void sandbox_log_free(struct sandbox *sandbox); /* writes what is left to write */

/* ---- sandbox_access.c ---- */
/* What it uses; the percentage is since `mark`, which is moved to now. */
bool sandbox_usage_since(struct sandbox *sandbox, struct cpu_mark *mark,
                         struct sandbox_usage *usage, struct error *err);
/* ERR_NOT_FOUND for one that does not live and was not kept in mind. */
bool sandbox_is_remembered(struct core *core, const char *id, struct error *err);

/* ---- volumes.c ---- */
bool volumes_load(struct core *core, struct error *err);
void volumes_free(struct core *core);

/* ---- limits.c ---- */
bool limits_check(const struct core *core, const struct sandbox_request *request,
                  struct error *err);
/* May so many more live? */
bool limits_count(const struct core *core, unsigned more, struct error *err);
bool limits_check_memory(struct error *err);
/* Is there memory for one more sandbox? */
bool limits_memory(const char *meminfo, struct error *err);

/* ---- processes, as the life of a sandbox needs them ---- */
void process_adopt(struct sandbox *sandbox, struct guest_process *guest); /* takes descriptors */
void process_begin_adopted(struct sandbox *sandbox);
void process_on_exit(struct sandbox *sandbox, int32_t pid, int32_t status);
/* Tells every listener and frees them all. */
void process_lose_all(struct sandbox *sandbox);
/* Tells every listener; the processes stay, and can be listened to again. */
void process_desert_all(struct sandbox *sandbox, const struct error *why);

/* ---- the same for those who wait for its files; ENOSPC ---- */
void files_fail_all(const struct sandbox *sandbox, int error);
void watch_lose_all(const struct sandbox *sandbox, int error);

#endif
