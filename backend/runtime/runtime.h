/* SPDX-License-Identifier: Apache-2.0
 *
 * The Linux side, as core sees it: one `struct runtime` a daemon (holder namespace, zygote, cgroup
 * root, seccomp program, layers of the base) and one `struct guest` a sandbox that exists in the
 * kernel (its control connection, pidfd, cgroups, directories).
 *
 * Everything runs on the loop's thread and answers by callback; nothing here blocks it. A callback
 * comes exactly once, never from within the call that asked. A guest whose agent breaks the
 * protocol is killed and reported as exited; the daemon goes on.
 */
#ifndef E2B_RUNTIME_RUNTIME_H
#define E2B_RUNTIME_RUNTIME_H

#include "backend/runtime/overlays.h"
#include "backend/runtime/plan.h"

#include <uv.h>

struct runtime;
struct guest;

struct runtime_config {
    const char *state;           /* directory for sandboxes/, base/, trash/ */
    uint64_t disk_reserve_bytes; /* under this much free disk the largest writer is frozen */
    unsigned max_in_making;      /* creates in flight at once; more wait in a queue; 0: a default */
    unsigned spares;             /* sandboxes kept ready while some are asked for; 0: none */
    const char *agent;           /* the program e2b-agent; NULL: the one installed with us */
};

/* How each promise is kept on this host, for `info`, `status` and `doctor`. A NULL mechanism means
 * the limit cannot be had here; `why` then says so. */
struct runtime_facts {
    bool is_root;
    uint32_t id_base, id_count; /* what ids 0.. inside are outside; id_count 1: a single id */
    struct runtime_mechanism {
        const char *mechanism;
        const char *why;
    } memory, processes, files, disk, cpu, freeze, network;
};

/* Blocks until the zygote answered (a few ms), and for the base's first build (progress on
 * `report`, one line a call, may be NULL). */
struct runtime *runtime_start(uv_loop_t *loop, const struct runtime_config *config,
                              void (*report)(void *ctx, const char *line), void *ctx,
                              struct error *err);
/* Finishes what is being removed, for some seconds at most, since nobody may come after us; then
 * `done`. */
void runtime_settle(struct runtime *rt, void (*done)(void *ctx), void *ctx);
/* Closes connections; guests live on. */
void runtime_stop(struct runtime *rt);
const struct runtime_facts *runtime_facts(const struct runtime *rt);
/* The layers of `base`, for plan_overlay.lowers of "/" and "/usr". Borrowed until the loop runs
 * again: the host's packages may have changed meanwhile. */
size_t runtime_base_overlays(struct runtime *rt, struct plan_overlay overlays[ZYGOTE_MAX_OVERLAYS]);
json_t *runtime_describe_plan(const struct runtime *rt, const struct plan *plan);

/* ---- a guest's life ---------------------------------------------------------------------------
 */

struct guest_process {
    int32_t pid;
    bool pty, has_stdin, exited;
    int32_t status;
    int arguments;    /* memfd: struct spawn_arguments */
    int out, err, in; /* pty: out is the master, the others -1 */
};

/* Given at creation or adoption; `ctx` is the owner's. */
struct guest_events {
    /* A process ended (status of wait(2)); it stays known to the agent until guest_forget. */
    void (*process_exited)(void *ctx, int32_t pid, int32_t status);
    /* The sandbox is gone without guest_kill: PID 1 died, or broke the protocol. `reason` is a
     * text. What is left of it is still to be removed by guest_kill. */
    void (*exited)(void *ctx, const char *reason);
    /* It was stopped for what it wrote (guest_runs says why): whatever waits for something in it
     * would wait for long. */
    void (*frozen)(void *ctx, const struct error *why);
    /* A process that the agent of an adopted sandbox knows; takes the descriptors. */
    void (*found)(void *ctx, struct guest_process *process);
};

/* Names the plan after a sandbox that was made ahead and fits it, if there is one; guest_create by
 * that id then takes no time. */
bool runtime_spare(const struct runtime *rt, struct plan *plan);
/* Ends those that are left, before the daemon leaves. `done` may come from within the call. */
void runtime_drop_spares(struct runtime *rt, void (*done)(void *ctx), void *ctx);

/* On failure guest is NULL and err is filled; everything half-made is removed already. */
typedef void (*guest_ready)(void *ctx, struct guest *guest, const struct error *err);
void guest_create(struct runtime *rt, const struct plan *plan, const struct guest_events *events,
                  void *ctx, guest_ready ready);

/* A guest found alive after a restart of the daemon. Its processes are told before `ready`; those
 * of a paused one, which stays so, before guest_resume is done. Of the plan only id and limits
 * count. */
void guest_adopt(struct runtime *rt, const struct plan *plan, bool paused,
                 const struct guest_events *events, void *ctx, guest_ready ready);

/* Kills, waits until nothing of it runs, hands its directories to the trash; then `done`. The guest
 * is not to be used after this call. `ctx` may differ from the one at creation. */
void guest_kill(struct guest *guest, void (*done)(void *ctx), void *ctx);
/* The same, but what it wrote is kept, for a plan that resumes. */
void guest_stop(struct guest *guest, void (*done)(void *ctx), void *ctx);
/* Lets go of the guest without touching the sandbox (clean stop of the daemon). */
void guest_release(struct guest *guest);

/* Removes what an unknown sandbox left behind (start of the daemon). */
void runtime_sweep(struct runtime *rt, bool (*is_known)(void *ctx, const char *id), void *ctx);

/* ---- what is left over -------------------------------------------------------------------------
 */

/* How many directories wait to be emptied, or could not be; unless it is a dry run that is tried
 * again. */
unsigned runtime_collect(struct runtime *rt, bool dry_run);

/* ---- volumes -----------------------------------------------------------------------------------
 */

/* state/volumes/ID/rw: owned by the sandboxes' root, open to everybody inside. */
bool runtime_volume_create(struct runtime *rt, const char *id, struct error *err);
/* Out of sight at once; emptied and removed later. */
void runtime_volume_discard(struct runtime *rt, const char *id);
/* Starts a helper on its files (HELPER_FILE_OPEN_READ, STAT, LIST, HELPER_VOLUME_*); as
 * guest_helper. */
int runtime_volume_helper(struct runtime *rt, const char *id, enum helper_op op,
                          const char *const *args, struct error *err);
/* Removes what no volume is (start of the daemon). */
void runtime_volume_sweep(struct runtime *rt, bool (*is_known)(void *ctx, const char *id),
                          void *ctx);

/* ---- a guest, goes on -------------------------------------------------------------------------
 */

pid_t guest_pid(const struct guest *guest); /* PID 1, as seen outside */
/* When nobody watches over the sandbox past this time its agent ends it; 0: never. A sandbox that
 * was never told one ends with the daemon that made it. */
void guest_set_deadline(struct guest *guest, int64_t boot_seconds);
/* Nothing in it runs any more when `done` comes; after a failure everything does. Where the host
 * has no freezer SIGSTOP is used, which the workload can see. */
typedef void (*guest_done)(void *ctx, const struct error *err);
void guest_pause(struct guest *guest, guest_done done, void *ctx);
/* An error means that it was lost, which was told before. */
void guest_resume(struct guest *guest, guest_done done, void *ctx);

/* False while the disk watch holds it frozen: ERR_NO_SPACE, and what to do. */
bool guest_runs(const struct guest *guest, struct error *err);

/* Of one that was adopted: its last daemon may have died before its network stood. What is spawned
 * waits for that. */
void guest_restore_network(struct guest *guest, const struct plan_network *network);
/* Replaces what the sandbox may reach. `done` is called once, also when it ends meanwhile. */
void guest_set_network(struct guest *guest, const struct plan_network *network,
                       void (*done)(void *ctx, const struct error *err), void *ctx);

/* -1: not known. Memory is without the cache of files. Without control groups it is that of its
 * processes alone, and the cache what they have mapped of files. The totals are what it can really
 * have: its limits where they are kept, else the machine's. */
struct guest_usage {
    int64_t cpu_us, memory_bytes, memory_cache_bytes, memory_limit_bytes;
    int64_t disk_used_bytes, disk_total_bytes;
    int64_t processes;
    uint32_t cpus;
};
bool guest_usage(struct guest *guest, struct guest_usage *usage, struct error *err);

/* ---- what sandboxes have written --------------------------------------------------------------
 */

/* Runs `work` from the loop, soon: how callbacks come that may not come from within a call. */
void runtime_defer(struct runtime *rt, void (*work)(void *ctx), void *ctx);
/* Waits until the disk has all of it, and all layers. */
void runtime_sync(struct runtime *rt, guest_done done, void *ctx);
/* Copies it, of a sandbox that stands still, to the new layer layers/NAME. */
void runtime_copy(struct runtime *rt, const char *id, const char *layer, guest_done done,
                  void *ctx);
/* Makes it, of one that has ended and whose files were kept, the new layer layers/NAME. */
bool runtime_take(struct runtime *rt, const char *id, const char *layer, struct error *err);
/* Makes the image that is open as `source` (a file or a directory) the new layer layers/NAME, for
 * the overlay at "/". `said`: JSON about how it is meant to be run, see backend/unpack/unpack.h. */
struct unpacking;
typedef void (*runtime_unpacked)(void *ctx, const char *said, const struct error *err);
struct unpacking *runtime_unpack(struct runtime *rt, const char *layer, int source,
                                 runtime_unpacked done, void *ctx);
void runtime_unpack_cancel(struct unpacking *unpacking); /* `done` is not called any more */
/* What it takes on the disk, measured by a helper; -1: that cannot be told. `done` comes later. */
void runtime_measure_layer(struct runtime *rt, const char *layer,
                           void (*done)(void *ctx, int64_t bytes), void *ctx);
/* Puts a layer on top of the overlays that it was made over. */
bool runtime_stack_layer(struct runtime *rt, const char *layer, struct overlays *overlays);
/* Out of sight at once, removed later. The first: of a sandbox that does not run. */
void runtime_discard(struct runtime *rt, const char *id, void (*done)(void *ctx), void *ctx);
void runtime_discard_layer(struct runtime *rt, const char *layer);
void runtime_sweep_layers(struct runtime *rt, bool (*is_known)(void *ctx, const char *layer),
                          void *ctx);
/* A base template that no sandbox uses; of the current one nothing happens. */
void runtime_discard_base(struct runtime *rt, const char *key);
void runtime_sweep_bases(struct runtime *rt, bool (*is_used)(void *ctx, const char *key),
                         void *ctx);
/* Ends what may be left of a sandbox, at the start of the daemon, and keeps what it wrote; false if
 * that is not there. */
bool runtime_clear(struct runtime *rt, const char *id);

/* ---- inside a guest ---------------------------------------------------------------------------
 */

struct guest_spawn {
    const char *user, *cwd, *tag, *cmd;
    const char *const *args; /* NULL-terminated, without cmd */
    const char *const *env;  /* NULL-terminated "KEY=VALUE" */
    bool pty, want_stdin;
    uint16_t cols, rows;
    int64_t deadline_ms; /* kept for whoever adopts it; nothing is done about it */
};

/* On success the descriptors are the callee's. out and err are read ends (or out the pty master),
 * in is a write end or -1. Their O_NONBLOCK is shared with hostile code: poll, then recv/splice. */
typedef void (*guest_spawned)(void *ctx, const struct guest_process *process,
                              const struct error *err);
void guest_spawn(struct guest *guest, const struct guest_spawn *spawn, guest_spawned done,
                 void *ctx);
void guest_signal(struct guest *guest, int32_t pid, int number,
                  void (*done)(void *ctx, const struct error *err), void *ctx);
void guest_close_stdin(struct guest *guest, int32_t pid);
void guest_forget(struct guest *guest, int32_t pid);

/* Starts a helper inside; returns our end of its socket (struct helper_reply messages) or -1. */
int guest_helper(struct guest *guest, enum helper_op op, const char *user, const char *const *args,
                 struct error *err);

#endif
