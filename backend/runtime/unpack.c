/* SPDX-License-Identifier: Apache-2.0
 *
 * An image becomes a layer: e2b-unpack does it, in a process of its own, and says how it went.
 */
#include "backend/runtime/internal.h"
#include "common/buf.h"
#include "common/memory.h"
#include "common/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SAID = 256 << 10, GIVEN = 8 };

struct unpacking {
    struct runtime *rt;
    uv_process_t process;
    uv_pipe_t said_pipe;
    struct buf said;
    char layer[64];
    unsigned open; /* handles, and a process that has not ended */
    int64_t status;
    bool is_cancelled;
    struct error err;
    runtime_unpacked done;
    void *ctx;
};

static void finish(struct unpacking *u) {
    if (--u->open)
        return;
    const char *text = u->said.data ? u->said.data : "";
    if (!u->err.kind && u->status != 0)
        error_set(&u->err, ERR_INVALID, "%s", *text ? text : "the image could not be unpacked");
    if (u->err.kind || u->is_cancelled)
        layer_dirs_discard(&u->rt->dirs, u->layer);
    if (!u->is_cancelled)
        u->done(u->ctx, text, u->err.kind ? &u->err : NULL);
    buf_free(&u->said);
    free(u);
}

static void on_process_closed(uv_handle_t *handle) {
    finish(container_of((uv_process_t *)handle, struct unpacking, process));
}

static void on_pipe_closed(uv_handle_t *handle) {
    finish(container_of((uv_pipe_t *)handle, struct unpacking, said_pipe));
}

static void on_process_exit(uv_process_t *process, int64_t status, int number) {
    struct unpacking *u = container_of(process, struct unpacking, process);
    u->status = number ? 128 + number : status;
    uv_close((uv_handle_t *)process, on_process_closed);
}

static void give_room(uv_handle_t *handle, size_t wanted, uv_buf_t *room) {
    struct unpacking *u = container_of((uv_pipe_t *)handle, struct unpacking, said_pipe);
    *room = uv_buf_init(NULL, 0);
    if (buf_reserve(&u->said, MIN(wanted, (size_t)4096)))
        *room = uv_buf_init(u->said.data + u->said.len, (unsigned)MIN(wanted, (size_t)4096));
}

static void on_said(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes) {
    struct unpacking *u = container_of((uv_pipe_t *)stream, struct unpacking, said_pipe);
    (void)bytes;
    if (n > 0)
        u->said.len += (size_t)n;
    if (n >= 0)
        return;
    while (u->said.len && u->said.data[u->said.len - 1] == '\n')
        u->said.len--;
    if (u->said.data)
        u->said.data[u->said.len] = '\0';
    uv_close((uv_handle_t *)stream, on_pipe_closed);
}

/* The descriptors in the order of backend/unpack/unpack.h. */
static bool start(struct unpacking *u, int source, int target, int sudo, int spool) {
    char program[PATHS_MAX], *args[] = {program, NULL}, *no_env[] = {NULL};
    const int given[] = {source, u->rt->holder.userns, target, sudo, spool};
    uv_stdio_container_t stdio[GIVEN] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&u->said_pipe},
        {.flags = UV_IGNORE},
    };
    for (size_t i = 0; i < ARRAY_LEN(given); i++)
        stdio[i + 3] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = given[i]};
    const uv_process_options_t options = {.exit_cb = on_process_exit,
                                          .file = program,
                                          .args = args,
                                          .env = no_env,
                                          .stdio = stdio,
                                          .stdio_count = GIVEN};
    if (!paths_program("e2b-unpack", program, &u->err))
        return false;
    int failure = uv_spawn(u->rt->loop, &u->process, &options);
    if (failure)
        return error_errno(&u->err, -failure, "cannot start %s", program);
    uv_read_start((uv_stream_t *)&u->said_pipe, give_room, on_said);
    return true;
}

static bool prepare(struct unpacking *u, int source) {
    struct runtime *rt = u->rt;
    cleanup_close int target = layer_dirs_create(&rt->dirs, u->layer, rt->holder.id_base, &u->err);
    if (target < 0)
        return false;
    cleanup_close int sudo = open(rt->agent, O_RDONLY | O_CLOEXEC);
    cleanup_close int spool = openat(rt->dirs.state, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sudo < 0 || spool < 0)
        return error_errno(&u->err, errno, "cannot unpack an image");
    return start(u, source, target, sudo, spool);
}

struct unpacking *runtime_unpack(struct runtime *rt, const char *layer, int source,
                                 runtime_unpacked done, void *ctx) {
    struct unpacking *u = memory_need(sizeof(*u));
    *u = (struct unpacking){
        .rt = rt, .said = BUF_INIT(MAX_SAID), .open = 2, .done = done, .ctx = ctx};
    snprintf(u->layer, sizeof(u->layer), "%s", layer);
    uv_pipe_init(rt->loop, &u->said_pipe, 0);
    if (prepare(u, source))
        return u;
    uv_close((uv_handle_t *)&u->said_pipe, on_pipe_closed);
    uv_close((uv_handle_t *)&u->process, on_process_closed);
    return u;
}

void runtime_unpack_cancel(struct unpacking *u) {
    u->is_cancelled = true;
    if (!u->err.kind)
        uv_process_kill(&u->process, SIGKILL);
}
