/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of core/ share. A sandbox is in the index and in the list from the moment it is
 * begun until nothing of it is left; only a running one can be found from outside.
 */
#ifndef E2B_CORE_CORE_H
#define E2B_CORE_CORE_H

#include "backend/core/sandbox.h"
#include "backend/core/template.h"

enum { CORE_BUCKETS = 1024, CORE_SEED = 32 };

struct core {
    struct core_config config;
    unsigned char seed[CORE_SEED]; /* of the access tokens; kept in the store */
    struct sandbox *buckets[CORE_BUCKETS];
    struct sandbox *newest;
    unsigned count;                /* in the index, in whatever state */
    bool idle;                     /* as was last told */
    struct checkpoint *checkpoint; /* being done; NULL: none */
    uv_timer_t *timer;             /* the next end of a sandbox */
    int64_t timer_ms;              /* wall clock; INT64_MAX: none */
    struct key *keys;              /* oldest first */
    unsigned key_count;
    char team_id[ID_UUID];
    struct metrics *metrics;
    struct logs *logs; /* NULL: nothing is logged */
    struct volume *volumes; /* oldest first */
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
void sandbox_enter(struct sandbox *sandbox); /* into the index */
void sandbox_leave(struct sandbox *sandbox); /* and out of it: freed */
enum { SANDBOX_OWN_ENV = 4 }; /* of sandbox_environment, before those given at the creation */
/* From now on it runs, and its time too. */
void sandbox_begin(struct sandbox *sandbox, struct guest *guest);

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
/* Is there memory for one more sandbox? */
bool limits_memory(const char *meminfo, struct error *err);

/* ---- processes, as the life of a sandbox needs them ---- */
void process_adopt(struct sandbox *sandbox, struct guest_process *guest); /* takes descriptors */
void process_begin_adopted(struct sandbox *sandbox);
void process_on_exit(struct sandbox *sandbox, int32_t pid, int32_t status);
/* Tells every listener and frees them all. */
void process_lose_all(struct sandbox *sandbox);

#endif
