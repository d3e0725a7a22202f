/* SPDX-License-Identifier: Apache-2.0
 *
 * The disk watch's hands: measuring one guest's directory by a helper of the zygote, and stopping
 * the guest when the verdict says so.
 */
#include "backend/runtime/internal.h"
#include "common/log.h"

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

static void stop_measuring(struct guest *g) {
    if (!g->measuring)
        return;
    uv_close((uv_handle_t *)steal_ptr(&g->measuring), free_handle);
    close_fd(&g->measure_socket);
}

static void on_measured(uv_poll_t *poll, int status, int events) {
    struct guest *g = poll->data;
    int64_t bytes = -1;
    (void)events;
    if (status >= 0 && !runtime_take_measure(g->measure_socket, &bytes))
        return;
    stop_measuring(g);
    disk_measured(g->rt->disk, g, bytes);
}

static void not_measured(void *ctx) {
    struct runtime *rt = ctx;
    struct guest *g = rt->unmeasured;
    rt->unmeasured = NULL;
    if (g)
        disk_measured(rt->disk, g, -1);
}

static bool start_measuring(struct guest *g) {
    struct error ignored = ERROR_INIT;
    cleanup_close int rw = sandbox_dirs_open_rw(&g->rt->dirs, g->id);
    if (rw < 0)
        return false;
    int socket = zygote_client_helper(&g->rt->zygote, HELPER_MEASURE, NULL, &rw, 1, &ignored);
    uv_poll_t *poll = socket < 0 ? NULL : malloc(sizeof(*poll));
    if (!poll || uv_poll_init(g->rt->loop, poll, socket) < 0) {
        free(poll);
        close_fd(&socket);
        return false;
    }
    poll->data = g;
    g->measuring = poll;
    g->measure_socket = socket;
    uv_unref((uv_handle_t *)poll);
    uv_poll_start(poll, UV_READABLE, on_measured);
    return true;
}

static void measure(void *ctx, void *guest) {
    struct runtime *rt = ctx;
    if (start_measuring(guest))
        return;
    rt->unmeasured = guest;
    runtime_defer(rt, not_measured, rt);
}

bool guest_runs(const struct guest *g, struct error *err) {
    const double gib = 1 << 30;
    switch (g->disk_verdict) {
    case DISK_FINE:
        return true;
    case DISK_OVER_LIMIT:
        error_set(err, ERR_NO_SPACE,
                  "the sandbox is frozen: it holds %.1f GiB on disk and may hold %.1f",
                  (double)disk_used(g->rt->disk, g) / gib, (double)g->limits.disk_bytes / gib);
        return error_hint(err, "nothing in it goes on: end it with `e2b sandbox kill %s`", g->id);
    default:
        error_set(err, ERR_NO_SPACE,
                  "the sandbox is frozen: this machine's disk is almost full, and it wrote most");
        return error_hint(err, "make room, and it goes on by itself; or `e2b sandbox kill %s`",
                          g->id);
    }
}

/* Whoever is told may end this sandbox or another, so the search begins anew. */
static void tell_frozen(void *ctx) {
    struct runtime *rt = ctx;
    struct guest *g = rt->guests;
    while (g) {
        struct error why = ERROR_INIT;
        if (!g->is_freeze_untold) {
            g = g->next_guest;
            continue;
        }
        g->is_freeze_untold = false;
        if (!guest_runs(g, &why))
            guest_refuse_calls(g, &why);
        if (why.kind && g->state == GUEST_RUNNING && g->events->frozen)
            g->events->frozen(g->ctx, &why);
        g = rt->guests;
    }
}

static void judge(void *ctx, void *guest, enum disk_verdict verdict, uint64_t used) {
    static const char *const texts[] = {
        [DISK_FINE] = "disk space is back: the sandbox goes on",
        [DISK_OVER_LIMIT] = "the sandbox holds more on disk than it may, and is frozen",
        [DISK_RESERVE] = "the disk is almost full, and the sandbox that wrote most is frozen",
    };
    struct guest *g = guest;
    struct error err = ERROR_INIT;
    (void)ctx;
    (void)used;
    if (verdict == DISK_FINE && g->disk_verdict == DISK_FINE)
        return;
    bool done = verdict == DISK_FINE ? guest_thaw(g, &err) : guest_freeze(g, &err);
    if (done)
        g->disk_verdict = verdict;
    if (done && verdict != DISK_FINE) {
        g->is_freeze_untold = true;
        runtime_defer(g->rt, tell_frozen, g->rt);
    }
    log_warn(texts[verdict], "sandbox", g->id, "error", done ? NULL : err.message);
}

bool runtime_watch_disk(struct runtime *rt, const struct runtime_config *config,
                        struct error *err) {
    struct disk_config disk = disk_defaults;
    disk.loop = rt->loop;
    disk.path = config->state;
    if (config->disk_reserve_bytes)
        disk.reserve_bytes = config->disk_reserve_bytes;
    disk.measure = measure;
    disk.judge = judge;
    disk.ctx = rt;
    rt->disk = disk_start(&disk, err);
    return rt->disk != NULL;
}

void guest_watch_disk(struct guest *g) {
    struct error err = ERROR_INIT;
    g->is_watched = disk_add(g->rt->disk, g, g->limits.disk_bytes, &err);
    if (!g->is_watched)
        log_warn("a sandbox's disk use cannot be watched", "sandbox", g->id, "error", err.message);
}

void guest_unwatch_disk(struct guest *g) {
    if (g->is_watched)
        disk_remove(g->rt->disk, g);
    g->is_watched = false;
    if (g->rt->unmeasured == g)
        g->rt->unmeasured = NULL;
    stop_measuring(g);
}
