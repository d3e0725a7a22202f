/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of runtime/ share about the two objects of runtime.h. Nobody else includes it.
 */
#ifndef E2B_RUNTIME_INTERNAL_H
#define E2B_RUNTIME_INTERNAL_H

#include "backend/image/base.h"
#include "backend/runtime/cgroup.h"
#include "backend/runtime/control.h"
#include "backend/runtime/disk.h"
#include "backend/runtime/holder.h"
#include "backend/runtime/network.h"
#include "backend/runtime/proc_usage.h"
#include "backend/runtime/remains.h"
#include "backend/runtime/runtime.h"
#include "backend/runtime/sandbox_dirs.h"
#include "backend/runtime/spares.h"
#include "backend/runtime/zygote_client.h"
#include "common/io.h"

struct base_refresh;
struct deferred;

struct runtime {
    uv_loop_t *loop;
    unsigned max_in_making;
    char *agent; /* the program */
    char *state; /* the directory */
    struct holder holder;
    struct zygote_client zygote;
    struct sandbox_dirs dirs;
    struct cgroups *cgroups;
    struct network *network;
    struct spares *spares;
    struct remains *remains;
    struct disk *disk;
    struct guest *unmeasured; /* whose measuring could not start, until the watch is told */
    struct base base;
    struct base_refresh *refresh; /* another one is being made; NULL: none */
    int64_t base_look_ms;         /* when it is due to look whether one should */
    const char *root_lowers[2], *usr_lowers[3];
    int seccomp; /* memfd: the program */
    struct runtime_facts facts;
    struct proc_usage processes; /* where there are no groups that count */

    bool stopping;
    unsigned making;
    struct guest *queue;  /* waiting to be made, oldest first */
    struct guest *guests; /* all of them */
    uv_idle_t *deferring;
    struct deferred *deferred, **last_deferred;
    void (*settled)(void *ctx); /* who waits for runtime_settle */
    void *settled_ctx;
};

/* A new zygote, should the last one have died. */
bool runtime_need_zygote(struct runtime *rt, struct error *err);
/* An owned descriptor of the layer called `name`, as the zygote wants it; -1. */
int runtime_open_layer(struct runtime *rt, const char *name, struct error *err);
/* The same of a directory that is open already (O_PATH); takes it. */
int runtime_hand_over(struct runtime *rt, int dir, bool idmapped, struct error *err);

/* volumes.c: an owned descriptor of a volume's files, -1 if there is none; `hand_over`: as the
 * zygote wants it for a new sandbox. */
int runtime_open_volume(struct runtime *rt, const char *id, bool hand_over, struct error *err);

/* base_refresh.c */
bool base_refresh_start(struct runtime *rt, void (*report)(void *ctx, const char *line), void *ctx,
                        struct error *err);
void base_refresh_look(struct runtime *rt);
void base_refresh_stop(struct runtime *rt);

enum guest_state {
    GUEST_QUEUED,
    GUEST_MAKING,   /* the zygote was asked */
    GUEST_GREETING, /* its agent has not spoken yet */
    GUEST_FROZEN,   /* adopted so: its agent speaks when it is thawed */
    GUEST_ADOPTING,
    GUEST_RUNNING,
    GUEST_LOST, /* it ended by itself; what is left waits for guest_kill */
    GUEST_ENDING,
};

struct guest_call; /* guest_process.c */
struct guest_calm; /* guest_pause.c */
struct guest_link; /* guest_network.c */

struct guest {
    struct runtime *rt;
    char id[32];
    enum guest_state state;
    struct plan plan; /* as asked for; none of an adopted one */
    pid_t pid;
    int pidfd;
    bool has_dir;
    bool has_greeted; /* while FROZEN: its agent's hello came all the same */
    int connection;   /* while MAKING: our end of the first connection */
    unsigned removal_tries;
    uv_poll_t *death;
    uv_timer_t *patience; /* until its agent spoke, or it died, or its groups can go */
    struct control *control;
    struct cgroup *cgroup;
    struct plan_limits limits;
    const struct guest_events *events;
    void *ctx;
    guest_ready ready;
    struct guest_calm *calm; /* it is being paused or resumed; else NULL */
    bool is_paused;
    bool keeps_files; /* when it ends */
    struct guest_call *calls;
    struct guest_link *link;        /* its network is being connected: spawns are held; else NULL */
    bool is_watched;                /* by rt->disk */
    enum disk_verdict disk_verdict; /* frozen by it, but for DISK_FINE */
    bool is_freeze_untold;          /* to its owner */
    uv_poll_t *measuring;           /* the helper at work; NULL: none */
    int measure_socket;
    struct error failure; /* why it could not be made */
    void (*ended)(void *ctx);
    void *ended_ctx;
    struct guest *next; /* in the queue */
    struct guest *previous_guest, *next_guest;
};

struct guest *guest_new(struct runtime *rt, const char *id, const struct guest_events *events,
                        void *ctx, guest_ready ready);
void guest_free(struct guest *g);

/* guest.c */
/* guest_create without a look at the spares. */
void guest_make(struct runtime *rt, const struct plan *plan, const struct guest_events *events,
                void *ctx, guest_ready ready);
bool guest_watch(struct guest *g, int socket, struct error *err); /* takes the socket */
void guest_be_patient(struct guest *g, uint64_t ms, void (*on_over)(uv_timer_t *timer));
void guest_stop_waiting(struct guest *g);
void guest_is_ready(struct guest *g);
/* Ends what could not be made or adopted, then tells the owner why. */
void guest_fail(struct guest *g);
void runtime_make_next(struct runtime *rt);

/* guest_pause.c */
bool guest_freeze(struct guest *g, struct error *err);
bool guest_thaw(struct guest *g, struct error *err);
/* The end of a pause or resume under way, if there is one; err NULL: it is done. */
void guest_calmed(struct guest *g, const struct error *err);
void guest_forget_calm(struct guest *g); /* without a word */

/* guest_adopt.c */
void guest_ask_for_processes(struct guest *g);

/* guest_end.c */
void guest_was_lost(struct guest *g, const char *reason);
void guest_end(struct guest *g, void (*done)(void *ctx), void *ctx);
/* The daemon stops: what is being made ends, the others live on. No callbacks. */
void guest_abandon(struct guest *g);
void guest_on_death(uv_poll_t *poll, int status, int events);

/* guest_disk.c */
/* What the helper of a measure says (-1: that it could not); false: nothing yet. */
bool runtime_take_measure(int socket, int64_t *bytes);
bool runtime_watch_disk(struct runtime *rt, const struct runtime_config *config, struct error *err);
void guest_watch_disk(struct guest *g);
void guest_unwatch_disk(struct guest *g);

/* guest_network.c */
void guest_connect(struct guest *g, const struct plan_network *policy, bool is_new);
void guest_forget_link(struct guest *g);

/* guest_process.c */
void guest_send_held(struct guest *g); /* the spawns that waited */
void guest_on_exited(struct guest *g, const struct agent_reply *reply);
/* Answers all open calls with ERR_GONE, later. */
void guest_fail_calls(struct guest *g);
/* Answers all open calls with `why`; a process that starts all the same is killed. */
void guest_refuse_calls(struct guest *g, const struct error *why);
/* What came with SPAWNED or PROCESS; takes the descriptors. */
void guest_take_process(struct guest_process *process, struct control_reply *reply);

#endif
