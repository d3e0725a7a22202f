/* SPDX-License-Identifier: Apache-2.0
 *
 * What sandboxes have written, beyond the life of the one that did: brought to the disk on a thread
 * of the pool, copied to a layer by a helper of the zygote, which has the ids for it.
 */
#include "backend/runtime/internal.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

struct job {
    struct runtime *rt;
    uv_work_t work;
    uv_poll_t poll;
    int fd; /* a directory, or the helper's socket */
    char layer[64];
    guest_done done;
    void *ctx;
    struct error err;
};

static struct job *job_new(struct runtime *rt, guest_done done, void *ctx) {
    struct job *job = memory_need(sizeof(*job));
    *job = (struct job){.rt = rt, .fd = -1, .done = done, .ctx = ctx};
    job->work.data = job->poll.data = job;
    return job;
}

static void finish(void *ctx) {
    struct job *job = ctx;
    if (!job->rt->stopping)
        job->done(job->ctx, job->err.kind ? &job->err : NULL);
    close_fd(&job->fd);
    free(job);
}

/* ---- to the disk ---- */

static void sync_work(uv_work_t *work) {
    struct job *job = work->data;
    if (syncfs(job->fd) < 0)
        error_errno(&job->err, errno, "the disk does not take what the sandbox wrote");
}

static void on_synced(uv_work_t *work, int status) {
    (void)status;
    finish(work->data);
}

void runtime_sync(struct runtime *rt, guest_done done, void *ctx) {
    struct job *job = job_new(rt, done, ctx);
    job->fd = openat(rt->dirs.state, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (job->fd >= 0 && uv_queue_work(rt->loop, &job->work, sync_work, on_synced) == 0)
        return;
    error_errno(&job->err, errno, "cannot bring to the disk what a sandbox wrote");
    runtime_defer(rt, finish, job);
}

/* ---- to a layer ---- */

static void on_poll_closed(uv_handle_t *handle) {
    struct job *job = handle->data;
    if (job->err.kind)
        layer_dirs_discard(&job->rt->dirs, job->layer);
    finish(job);
}

static void on_copied(uv_poll_t *poll, int status, int events) {
    struct job *job = poll->data;
    struct helper_reply reply;
    (void)events;
    ssize_t n = status < 0 ? 0 : recv(job->fd, &reply, sizeof(reply), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    int error = n == sizeof(reply) ? reply.error : EPROTO;
    if (error)
        error_errno(&job->err, error, "cannot copy what the sandbox wrote");
    if (error == ELOOP)
        error_hint(&job->err, "a directory in it is nested more than 256 levels deep");
    uv_close((uv_handle_t *)poll, on_poll_closed);
}

static bool start_copy(struct job *job, const char *id) {
    struct sandbox_dirs *dirs = &job->rt->dirs;
    cleanup_close int from = sandbox_dirs_open_rw(dirs, id);
    if (from < 0)
        return error_errno(&job->err, errno, "cannot open what the sandbox wrote");
    if (!runtime_need_zygote(job->rt, &job->err))
        return false;
    cleanup_close int to = layer_dirs_create(dirs, job->layer, job->rt->holder.id_base, &job->err);
    if (to < 0)
        return false;
    const int objects[] = {from, to};
    job->fd = zygote_client_helper(&job->rt->zygote, HELPER_COPY, NULL, objects, 2, &job->err);
    if (job->fd >= 0 && uv_poll_init(job->rt->loop, &job->poll, job->fd) == 0)
        return true;
    layer_dirs_discard(dirs, job->layer);
    return error_wrap(&job->err, "cannot copy what the sandbox wrote");
}

void runtime_copy(struct runtime *rt, const char *id, const char *layer, guest_done done,
                  void *ctx) {
    struct job *job = job_new(rt, done, ctx);
    snprintf(job->layer, sizeof(job->layer), "%s", layer);
    if (start_copy(job, id))
        uv_poll_start(&job->poll, UV_READABLE, on_copied);
    else
        runtime_defer(rt, finish, job);
}

bool runtime_take(struct runtime *rt, const char *id, const char *layer, struct error *err) {
    bool ok = layer_dirs_take(&rt->dirs, id, layer, err);
    sandbox_dirs_discard(&rt->dirs, id);
    return ok;
}

/* ---- its size ---- */

struct measuring {
    struct runtime *rt;
    uv_poll_t poll;
    int fd;
    int64_t bytes;
    void (*done)(void *ctx, int64_t bytes);
    void *ctx;
};

static void measured(void *ctx) {
    struct measuring *m = ctx;
    close_fd(&m->fd);
    if (!m->rt->stopping)
        m->done(m->ctx, m->bytes);
    free(m);
}

static void on_measuring_closed(uv_handle_t *handle) {
    measured(handle->data);
}

bool runtime_take_measure(int socket, int64_t *bytes) {
    struct helper_reply reply;
    ssize_t n = recv(socket, &reply, sizeof(reply), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return false;
    /* nested more deeply than anybody needs: what was seen of it still counts */
    const bool told = n == sizeof(reply) && (reply.error == 0 || reply.error == ELOOP);
    *bytes = told ? reply.value : -1;
    return true;
}

static void on_measured(uv_poll_t *poll, int status, int events) {
    struct measuring *m = poll->data;
    (void)events;
    if (status < 0 || runtime_take_measure(m->fd, &m->bytes))
        uv_close((uv_handle_t *)poll, on_measuring_closed);
}

void runtime_measure_layer(struct runtime *rt, const char *layer,
                           void (*done)(void *ctx, int64_t bytes), void *ctx) {
    struct error ignored = ERROR_INIT;
    struct measuring *m = memory_need(sizeof(*m));
    *m = (struct measuring){.rt = rt, .fd = -1, .bytes = -1, .done = done, .ctx = ctx};
    m->poll.data = m;
    cleanup_close int rw = layer_dirs_open(&rt->dirs, layer);
    if (rw >= 0 && runtime_need_zygote(rt, &ignored))
        m->fd = zygote_client_helper(&rt->zygote, HELPER_MEASURE, NULL, &rw, 1, &ignored);
    if (m->fd >= 0 && uv_poll_init(rt->loop, &m->poll, m->fd) == 0)
        uv_poll_start(&m->poll, UV_READABLE, on_measured);
    else
        runtime_defer(rt, measured, m);
}

/* ---- stacked ---- */

/* An overlay to which nothing was written gets no layer: their number is bounded. */
bool runtime_stack_layer(struct runtime *rt, const char *layer, struct overlays *overlays) {
    static const char *const parts[ZYGOTE_MAX_OVERLAYS] = {"root", "usr"};
    cleanup_close int rw = layer_dirs_open(&rt->dirs, layer);
    bool is_empty = true;
    for (size_t i = 0; rw >= 0 && i < overlays->count; i++) {
        char name[128];
        snprintf(name, sizeof(name), OVERLAYS_LAYERS "%s/rw/%s", layer, parts[i]);
        if (unlinkat(rw, parts[i], AT_REMOVEDIR) == 0)
            continue;
        is_empty = false;
        if (!overlays_push(&overlays->at[i], name))
            return false;
    }
    if (rw >= 0 && is_empty)
        layer_dirs_discard(&rt->dirs, layer);
    return rw >= 0;
}

/* ---- away ---- */

void runtime_discard(struct runtime *rt, const char *id, void (*done)(void *ctx), void *ctx) {
    sandbox_dirs_discard(&rt->dirs, id);
    runtime_defer(rt, done, ctx);
}

void runtime_discard_layer(struct runtime *rt, const char *layer) {
    layer_dirs_discard(&rt->dirs, layer);
}

struct sweep {
    struct runtime *rt;
    bool (*is_known)(void *ctx, const char *layer);
    void *ctx;
};

static void sweep_one(void *ctx, const char *layer) {
    const struct sweep *sweep = ctx;
    if (!sweep->is_known(sweep->ctx, layer))
        layer_dirs_discard(&sweep->rt->dirs, layer);
}

void runtime_sweep_layers(struct runtime *rt, bool (*is_known)(void *ctx, const char *layer),
                          void *ctx) {
    struct sweep sweep = {rt, is_known, ctx};
    layer_dirs_each(&rt->dirs, sweep_one, &sweep);
}
