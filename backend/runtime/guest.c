/* SPDX-License-Identifier: Apache-2.0
 *
 * Making guests: a queue, a bounded number at once, and the conversation with the zygote and the
 * new agent until it says hello.
 */
#include "backend/runtime/internal.h"
#include "common/memory.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    HELLO_TIMEOUT_MS = 10000,
    TMPFS_SHARE = 2, /* /tmp, /run and /dev together may take that part of the memory limit */
};

#define CAP(name) ((uint64_t)1 << CAP_##name)
/* What software in a container may expect; nothing that reaches the network's or the kernel's
 * configuration, or mounts. */
#define BOUNDING                                                                                   \
    (CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) | CAP(FSETID) |           \
     CAP(KILL) | CAP(SETGID) | CAP(SETUID) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) | CAP(NET_RAW) | \
     CAP(SYS_CHROOT) | CAP(SYS_PTRACE) | CAP(SYS_NICE) | CAP(IPC_OWNER) | CAP(LEASE) |             \
     CAP(AUDIT_WRITE) | CAP(SETFCAP) | CAP(MKNOD))

struct guest *guest_new(struct runtime *rt, const char *id, const struct guest_events *events,
                        void *ctx, guest_ready ready) {
    struct guest *g = memory_need(sizeof(*g));
    snprintf(g->id, sizeof(g->id), "%s", id);
    g->rt = rt;
    g->pid = g->pidfd = g->connection = -1;
    g->events = events;
    g->ctx = ctx;
    g->ready = ready;
    g->next_guest = rt->guests;
    if (rt->guests)
        rt->guests->previous_guest = g;
    rt->guests = g;
    return g;
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

static void unlist(struct guest *g) {
    if (g->next_guest)
        g->next_guest->previous_guest = g->previous_guest;
    if (g->previous_guest)
        g->previous_guest->next_guest = g->next_guest;
    else
        g->rt->guests = g->next_guest;
}

void guest_free(struct guest *g) {
    unlist(g);
    guest_stop_waiting(g);
    guest_forget_link(g);
    guest_unwatch_disk(g);
    guest_forget_calm(g);
    if (g->death)
        uv_close((uv_handle_t *)g->death, free_handle);
    if (g->control)
        control_stop(g->control);
    if (g->cgroup)
        cgroup_release(g->cgroup);
    close_fd(&g->pidfd);
    close_fd(&g->connection);
    plan_free(&g->plan);
    free(g);
}

void guest_be_patient(struct guest *g, uint64_t ms, void (*on_over)(uv_timer_t *timer)) {
    guest_stop_waiting(g);
    g->patience = memory_need(sizeof(*g->patience));
    uv_timer_init(g->rt->loop, g->patience);
    g->patience->data = g;
    uv_timer_start(g->patience, on_over, ms, 0);
}

void guest_stop_waiting(struct guest *g) {
    if (g->patience)
        uv_close((uv_handle_t *)steal_ptr(&g->patience), free_handle);
}

/* ---- failing ----------------------------------------------------------------------------------
 */

static void report_failure(void *ctx) {
    struct guest *g = ctx;
    guest_ready ready = g->ready;
    void *owner = g->ctx;
    struct error err = g->failure;
    guest_free(g);
    ready(owner, NULL, &err);
}

void guest_fail(struct guest *g) {
    guest_end(g, report_failure, g);
}

static void fail(struct guest *g, const struct error *err) {
    struct runtime *rt = g->rt;
    g->failure = *err;
    guest_fail(g);
    rt->making--;
    runtime_make_next(rt);
}

/* ---- the new agent ----------------------------------------------------------------------------
 */

void guest_is_ready(struct guest *g) {
    guest_stop_waiting(g);
    g->state = GUEST_RUNNING;
    if (!g->is_paused)
        guest_watch_disk(g);
    if (g->calm)
        guest_calmed(g, NULL);
    else
        g->ready(g->ctx, g, NULL);
}

static void on_hello(void *ctx) {
    struct guest *g = ctx;
    struct runtime *rt = g->rt;
    if (g->state == GUEST_FROZEN) {
        g->has_greeted = true; /* it was not frozen yet when we came */
        return;
    }
    if (g->state == GUEST_ADOPTING) {
        guest_ask_for_processes(g);
        return;
    }
    rt->making--;
    guest_is_ready(g);
    if (g->state == GUEST_RUNNING) /* freed only later, whatever the owner did with it */
        guest_connect(g, &g->plan.network, true);
    runtime_make_next(rt);
}

static void on_failed(void *ctx, const struct agent_reply *reply) {
    struct guest *g = ctx;
    struct error err = ERROR_INIT;
    error_errno(&err, reply->error, "the sandbox could not be set up: %s", reply->text);
    fail(g, &err);
}

static void on_exited(void *ctx, const struct agent_reply *reply) {
    guest_on_exited(ctx, reply);
}

static void on_lost(void *ctx, const char *reason) {
    struct guest *g = ctx;
    struct error err = ERROR_INIT;
    if (g->state == GUEST_GREETING) {
        error_set(&err, ERR_INTERNAL, "the sandbox ended while it was set up: %s", reason);
        fail(g, &err);
    } else {
        guest_was_lost(g, reason);
    }
}

static void on_silence(uv_timer_t *timer) {
    struct guest *g = timer->data;
    on_lost(g, "its agent does not answer");
}

bool guest_watch(struct guest *g, int socket, struct error *err) {
    static const struct control_events events = {on_hello, on_failed, on_exited, on_lost};
    g->control = control_start(g->rt->loop, socket, &events, g, err);
    if (!g->control)
        return false;
    g->death = malloc(sizeof(*g->death));
    int error = g->death ? uv_poll_init(g->rt->loop, g->death, g->pidfd) : UV_ENOMEM;
    if (error) {
        free(steal_ptr(&g->death));
        return error_errno(err, -error, "cannot watch a sandbox");
    }
    g->death->data = g;
    uv_poll_start(g->death, UV_READABLE, guest_on_death);
    guest_be_patient(g, HELLO_TIMEOUT_MS, on_silence);
    return true;
}

/* ---- asking the zygote ------------------------------------------------------------------------
 */

struct parcel {
    union zygote_request request;
    int fds[IO_MAX_FDS];
    size_t fd_count;
    int connection; /* our end */
};

static void parcel_close(struct parcel *p) {
    for (size_t i = 0; i < p->fd_count; i++)
        close_fd(&p->fds[i]);
    close_fd(&p->connection);
}

/* Takes `fd`. */
static bool put(struct parcel *p, int fd) {
    if (fd >= 0)
        p->fds[p->fd_count++] = fd;
    return fd >= 0;
}

static bool put_first(struct guest *g, struct parcel *p, struct error *err) {
    struct sandbox_dir dir;
    int pair[2];
    if (!(g->plan.resumes
              ? sandbox_dirs_reopen(&g->rt->dirs, g->id, &dir, err)
              : sandbox_dirs_create(&g->rt->dirs, g->id, g->rt->holder.id_base, &dir, err)))
        return false;
    g->has_dir = true;
    g->keeps_files = g->plan.resumes; /* should it fail */
    put(p, dir.listen);
    int rw = runtime_hand_over(g->rt, dir.rw, false, err);
    if (rw < 0)
        return false;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        close(rw);
        return error_errno(err, errno, "cannot make a socket");
    }
    p->connection = pair[0];
    put(p, pair[1]);
    put(p, dup(g->rt->seccomp));
    put(p, rw);
    return io_set_nonblocking(p->connection, true);
}

static bool put_layers(struct guest *g, struct parcel *p, struct error *err) {
    struct zygote_create *create = &p->request.create;
    create->overlay_count = (uint32_t)g->plan.overlay_count;
    for (size_t i = 0; i < g->plan.overlay_count; i++) {
        const struct plan_overlay *overlay = &g->plan.overlays[i];
        memcpy(create->overlays[i].target, overlay->target, AGENT_TARGET);
        create->overlays[i].lower_count = (uint32_t)overlay->lower_count;
        for (size_t k = 0; k < overlay->lower_count; k++)
            if (!put(p, runtime_open_layer(g->rt, overlay->lowers[k], err)))
                return false;
    }
    return true;
}

static bool put_volumes(struct guest *g, struct parcel *p, struct error *err) {
    const struct plan_mounts *mounts = &g->plan.mounts;
    struct zygote_create *create = &p->request.create;
    create->mount_count = (uint32_t)mounts->count;
    for (size_t i = 0; i < mounts->count; i++) {
        snprintf(create->mounts[i], AGENT_MOUNT, "%s", plan_mount_target(mounts, i));
        if (!put(p, runtime_open_volume(g->rt, plan_mount_volume(mounts, i), true, err)))
            return false;
    }
    return true;
}

static bool put_groups(struct guest *g, struct parcel *p, struct error *err) {
    int tasks[ZYGOTE_MAX_CGROUPS];
    g->cgroup = cgroup_create(g->rt->cgroups, g->id, &g->plan.limits, err);
    int count = g->cgroup ? cgroup_open_v1(g->cgroup, tasks, err) : -1;
    for (int i = 0; i < count; i++)
        put(p, tasks[i]);
    p->request.create.cgroup_count = count < 0 ? 0 : (uint32_t)count;
    if (count >= 0 && put(p, cgroup_open_v2(g->cgroup, err)))
        p->request.create.flags |= ZYGOTE_INTO_CGROUP;
    return count >= 0 && !err->kind;
}

static void fill_create(struct guest *g, struct zygote_create *create) {
    const struct runtime *rt = g->rt;
    const struct plan *plan = &g->plan;
    create->type = ZYGOTE_CREATE;
    create->id_count = rt->holder.id_count;
    snprintf(create->hostname, sizeof(create->hostname), "%s", plan->id);
    snprintf(create->template_id, sizeof(create->template_id), "%s", plan->template_id);
    create->bounding = BOUNDING;
    create->max_files = plan->limits.files;
    create->max_processes =
        cgroups_facts(rt->cgroups)->processes.mechanism ? 0 : plan->limits.processes;
    create->max_memory =
        cgroups_facts(rt->cgroups)->memory.mechanism ? 0 : plan->limits.memory_bytes;
    create->tmpfs_bytes = plan->limits.memory_bytes / TMPFS_SHARE;
    snprintf(create->nameserver, sizeof(create->nameserver), "%s", network_nameserver(rt->network));
    create->flags =
        (rt->holder.is_root ? ZYGOTE_DETACHED : 0u) | (plan->keeps_tmp ? ZYGOTE_KEEPS_TMP : 0u);
}

static void on_made(void *ctx, int error, pid_t pid, int pidfd);

static bool start(struct guest *g, struct parcel *p, struct error *err) {
    fill_create(g, &p->request.create);
    if (!runtime_need_zygote(g->rt, err) || !put_first(g, p, err) || !put_layers(g, p, err) ||
        !put_volumes(g, p, err) || !put_groups(g, p, err))
        return false;
    return zygote_client_send(&g->rt->zygote, &p->request, p->fds, p->fd_count, on_made, g, err);
}

static void on_made(void *ctx, int error, pid_t pid, int pidfd) {
    struct guest *g = ctx;
    struct error err = ERROR_INIT;
    int connection = steal_fd(&g->connection);
    g->pid = pid;
    g->pidfd = pidfd;
    g->state = GUEST_GREETING;
    if (error || pidfd < 0) {
        close_fd(&connection);
        error_errno(&err, error ? error : EPROTO, "the sandbox could not be made");
        fail(g, &err);
    } else if (!guest_watch(g, connection, &err)) {
        fail(g, &err);
    }
}

static void make(struct guest *g) {
    struct parcel parcel = {.connection = -1};
    struct error err = ERROR_INIT;
    memset(&parcel.request, 0, sizeof(parcel.request));
    g->state = GUEST_MAKING;
    g->rt->making++;
    bool sent = start(g, &parcel, &err);
    if (sent)
        g->connection = steal_fd(&parcel.connection);
    parcel_close(&parcel);
    if (!sent)
        fail(g, &err);
}

void runtime_make_next(struct runtime *rt) {
    while (rt->queue && rt->making < rt->max_in_making) {
        struct guest *g = rt->queue;
        rt->queue = g->next;
        g->next = NULL;
        make(g);
    }
    spares_fill(rt->spares);
}

static void make_next(void *ctx) {
    runtime_make_next(ctx);
}

static void give_away(void *ctx) {
    struct guest *g = ctx;
    if (g->state == GUEST_RUNNING) {
        g->ready(g->ctx, g, NULL);
    } else {
        error_set(&g->failure, ERR_INTERNAL, "the sandbox ended before it was used");
        guest_fail(g);
    }
    spares_fill(g->rt->spares);
}

/* Its network has no rules yet but the usual ones. */
static void take_over(struct guest *g, const struct plan *plan, const struct guest_events *events,
                      void *ctx, guest_ready ready) {
    const struct plan_network *network = &plan->network;
    g->events = events;
    g->ctx = ctx;
    g->ready = ready;
    if (!network->internet || network->allow_count || network->deny_count)
        guest_connect(g, network, false);
    runtime_defer(g->rt, give_away, g);
}

void guest_create(struct runtime *rt, const struct plan *plan, const struct guest_events *events,
                  void *ctx, guest_ready ready) {
    struct guest *spare = plan->alone ? NULL : spares_take(rt->spares, plan);
    if (!plan->alone)
        spares_expect(rt->spares, plan);
    if (spare)
        take_over(spare, plan, events, ctx, ready);
    else
        guest_make(rt, plan, events, ctx, ready);
}

void guest_make(struct runtime *rt, const struct plan *plan, const struct guest_events *events,
                void *ctx, guest_ready ready) {
    struct guest *g = guest_new(rt, plan->id, events, ctx, ready);
    g->limits = plan->limits;
    if (!plan_check(plan, &g->failure) || !plan_copy(&g->plan, plan, &g->failure)) {
        runtime_defer(rt, report_failure, g);
        return;
    }
    struct guest **last = &rt->queue;
    while (*last)
        last = &(*last)->next;
    *last = g;
    runtime_defer(rt, make_next, rt);
}
