/* SPDX-License-Identifier: Apache-2.0
 *
 * Guests that an earlier daemon made: finding them by their socket, taking them over, or removing
 * what nobody knows.
 */
#include "backend/runtime/internal.h"
#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { SWEEP_WAIT_MS = 1000 };

/* The agent itself made its socket listen, which is what the kernel's credentials tell of. */
static pid_t listener_pid(int socket) {
    struct ucred peer;
    socklen_t len = sizeof(peer);
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid > 0 ? peer.pid
                                                                                         : -1;
}

static bool find(struct guest *g, struct error *err) {
    cleanup_close int socket = sandbox_dirs_connect(&g->rt->dirs, g->id, err);
    if (socket < 0)
        return false;
    /* The number cannot have come round to somebody else: its hello will come after this. */
    g->pid = listener_pid(socket);
    g->pidfd = g->pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, g->pid, 0);
    if (g->pidfd < 0)
        return error_set(err, ERR_GONE, "the sandbox %s has ended", g->id);
    g->cgroup = cgroup_adopt(g->rt->cgroups, g->id, g->pid, err);
    return g->cgroup && guest_watch(g, steal_fd(&socket), err);
}

static void fail_later(void *ctx) {
    guest_fail(ctx);
}

static void tell_frozen(void *ctx) {
    struct guest *g = ctx;
    g->ready(g->ctx, g, NULL);
}

/* It may have been frozen when the last daemon died, on its way into a pause or by the disk watch,
 * or not yet be when it was to be. */
static void set_pace(struct guest *g) {
    struct error err = ERROR_INIT;
    if (!(g->is_paused ? guest_freeze(g, &err) : guest_thaw(g, &err)))
        log_warn("an adopted sandbox was not frozen or thawed", "sandbox", g->id, "error",
                 err.message);
    if (!g->is_paused || !cgroup_has_freezer(g->cgroup))
        return;
    g->state = GUEST_FROZEN;
    guest_stop_waiting(g);
    runtime_defer(g->rt, tell_frozen, g);
}

void guest_adopt(struct runtime *rt, const struct plan *plan, bool paused,
                 const struct guest_events *events, void *ctx, guest_ready ready) {
    struct guest *g = guest_new(rt, plan->id, events, ctx, ready);
    g->state = GUEST_ADOPTING;
    g->is_paused = g->keeps_files = paused;
    g->has_dir = true;
    g->limits = plan->limits;
    if (find(g, &g->failure)) {
        set_pace(g);
        return;
    }
    g->failure.kind = ERR_GONE;
    runtime_defer(rt, fail_later, g);
}

static void on_process(void *ctx, struct control_reply *reply) {
    struct guest *g = ctx;
    struct guest_process process;
    if (!reply)
        return; /* guest_was_lost follows */
    if (reply->head.type != AGENT_PROCESS) {
        guest_is_ready(g);
        return;
    }
    guest_take_process(&process, reply);
    g->events->found(g->ctx, &process);
}

void guest_ask_for_processes(struct guest *g) {
    const struct agent_request request = {.type = AGENT_ADOPT};
    control_send(g->control, &request, NULL, 0, on_process, g);
}

/* ---- what nobody knows ------------------------------------------------------------------------
 */

struct sweep {
    struct runtime *rt;
    bool (*is_known)(void *ctx, const char *id);
    void *ctx;
};

/* At the start of the daemon, with nobody to keep waiting: so that its groups can go next. */
static void kill_and_wait(pid_t pid) {
    cleanup_close int pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 || syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
        return;
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    poll(&ended, 1, SWEEP_WAIT_MS);
}

bool runtime_clear(struct runtime *rt, const char *id) {
    struct error ignored = ERROR_INIT;
    cleanup_close int socket = sandbox_dirs_connect(&rt->dirs, id, &ignored);
    pid_t pid = socket < 0 ? -1 : listener_pid(socket);
    struct cgroup *cgroup = pid < 0 ? NULL : cgroup_adopt(rt->cgroups, id, pid, &ignored);
    if (cgroup)
        cgroup_kill(cgroup);
    kill_and_wait(pid);
    if (cgroup && !cgroup_remove(cgroup))
        cgroup_release(cgroup);
    cleanup_close int rw = sandbox_dirs_open_rw(&rt->dirs, id);
    return rw >= 0;
}

static void sweep_one(void *ctx, const char *id) {
    const struct sweep *s = ctx;
    if (s->is_known(s->ctx, id))
        return;
    runtime_clear(s->rt, id);
    sandbox_dirs_discard(&s->rt->dirs, id);
}

void runtime_sweep(struct runtime *rt, bool (*is_known)(void *ctx, const char *id), void *ctx) {
    struct sweep sweep = {rt, is_known, ctx};
    sandbox_dirs_each(&rt->dirs, sweep_one, &sweep);
    cgroups_sweep(rt->cgroups, is_known, ctx);
}
