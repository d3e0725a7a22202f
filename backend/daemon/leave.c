/* SPDX-License-Identifier: Apache-2.0
 *
 * How the daemon goes: no more requests, then what it made ahead and what it is removing, then the
 * threads of the pool, whose work is on the rooms' data, then the rooms, and the loop's handles
 * last. When somebody removed the state directory it takes its sandboxes along, for nobody could
 * find them any more.
 */
#include "backend/daemon/daemon.h"

#include "common/log.h"
#include "common/memory.h"

#include <sys/stat.h>

enum {
    STOP_GRACE_MS = 3000,
    LOOK_MS = 5, /* at the pool, and how often: */
    LOOKS = 400,
    STATE_LOOK_MS = 2000,
};

/* ---- stop ---- */

static void on_look(uv_timer_t *timer) {
    struct daemon *daemon = timer->data;
    if (daemon->loop.active_reqs.count == 0 || ++daemon->looks == LOOKS)
        uv_stop(&daemon->loop);
}

static void on_settled(void *ctx) {
    struct daemon *daemon = ctx;
    uv_timer_init(&daemon->loop, &daemon->pool_look);
    daemon->pool_look.data = daemon;
    uv_timer_start(&daemon->pool_look, on_look, 0, LOOK_MS);
}

static void on_spares_gone(void *ctx) {
    struct daemon *daemon = ctx;
    runtime_settle(daemon->runtime, on_settled, daemon);
}

static void on_server_stopped(void *ctx) {
    struct daemon *daemon = ctx;
    daemon->server = NULL;
    runtime_drop_spares(daemon->runtime, on_spares_gone, daemon);
}

void daemon_stop(struct daemon *daemon, const char *reason) {
    if (daemon->stopping)
        return;
    daemon->stopping = true;
    log_info("stopping", "reason", reason);
    listen_remove_socket(daemon);
    http_server_stop(daemon->server, STOP_GRACE_MS, on_server_stopped, daemon);
}

/* What the rooms began to close is closed by another turn of the loop; nothing of theirs runs in
 * it, because all that is left open is closed first. */
static void close_handle(uv_handle_t *handle, void *ctx) {
    (void)ctx;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void leave_close(struct daemon *daemon) {
    if (daemon->loop.active_reqs.count)
        return; /* a thread is stuck: its end would touch what is gone */
    uv_walk(&daemon->loop, close_handle, NULL);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    uv_loop_close(&daemon->loop);
}

/* ---- with all sandboxes ---- */

struct ending {
    struct daemon *daemon;
    void (*ended)(void *ctx);
    void *ctx;
    unsigned left;
};

static void on_one_ended(void *ctx) {
    struct ending *ending = ctx;
    if (--ending->left)
        return;
    if (ending->ended)
        ending->ended(ending->ctx);
    daemon_stop(ending->daemon, "asked to, with all sandboxes");
    free(ending);
}

void daemon_end_all(struct daemon *daemon, void (*ended)(void *ctx), void *ctx) {
    struct sandbox *sandbox;
    struct ending *ending = memory_need(sizeof(*ending));
    *ending = (struct ending){.daemon = daemon, .ended = ended, .ctx = ctx, .left = 1};
    while ((sandbox = sandbox_first_known(daemon->core))) {
        ending->left++;
        if (!sandbox_kill(sandbox, "the backend stops", on_one_ended, ending))
            ending->left--;
    }
    on_one_ended(ending);
}

/* ---- the directories ---- */

static void on_state_look(uv_timer_t *timer) {
    struct daemon *daemon = timer->data;
    struct stat st;
    if (daemon->stopping || fstat(daemon->lock, &st) < 0)
        return;
    if (st.st_nlink > 0) {
        listen_again(daemon);
        return;
    }
    uv_timer_stop(timer);
    log_warn("the state directory was removed: all sandboxes end", "directory",
             daemon->paths.state);
    daemon_end_all(daemon, NULL, NULL);
}

void leave_watch_state(struct daemon *daemon) {
    uv_timer_init(&daemon->loop, &daemon->state_look);
    daemon->state_look.data = daemon;
    uv_timer_start(&daemon->state_look, on_state_look, STATE_LOOK_MS, STATE_LOOK_MS);
    uv_unref((uv_handle_t *)&daemon->state_look);
}
