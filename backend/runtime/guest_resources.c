/* SPDX-License-Identifier: Apache-2.0
 *
 * What a guest uses, and stopping its clock.
 */
#include "backend/runtime/internal.h"

#include <errno.h>
#include <sys/socket.h>

pid_t guest_pid(const struct guest *guest) {
    return guest->pid;
}

bool guest_freeze(struct guest *guest, struct error *err) {
    return cgroup_freeze(guest->cgroup, err);
}

bool guest_thaw(struct guest *guest, struct error *err) {
    return cgroup_thaw(guest->cgroup, err);
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

void guest_stop_measuring(struct guest *g) {
    if (!g->measuring)
        return;
    uv_close((uv_handle_t *)steal_ptr(&g->measuring), free_handle);
    close_fd(&g->measure_socket);
}

static void on_measured(uv_poll_t *poll, int status, int events) {
    struct guest *g = poll->data;
    struct helper_reply reply;
    (void)events;
    ssize_t n = status < 0 ? 0 : recv(g->measure_socket, &reply, sizeof(reply), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n == sizeof(reply) && reply.value >= 0 && reply.error == 0)
        g->disk_used_bytes = reply.value;
    guest_stop_measuring(g);
}

/* Walking an upper layer takes time, so the answer is for who asks next. */
static void measure(struct guest *g) {
    struct error ignored = ERROR_INIT;
    if (g->measuring)
        return;
    cleanup_close int rw = sandbox_dirs_open_rw(&g->rt->dirs, g->id);
    if (rw < 0)
        return;
    g->measure_socket =
        zygote_client_helper(&g->rt->zygote, HELPER_MEASURE, NULL, &rw, 1, &ignored);
    if (g->measure_socket < 0)
        return;
    g->measuring = malloc(sizeof(*g->measuring));
    if (!g->measuring || uv_poll_init(g->rt->loop, g->measuring, g->measure_socket) < 0)
        abort();
    g->measuring->data = g;
    uv_unref((uv_handle_t *)g->measuring);
    uv_poll_start(g->measuring, UV_READABLE, on_measured);
}

bool guest_usage(struct guest *guest, struct guest_usage *usage, struct error *err) {
    if (guest->state != GUEST_RUNNING)
        return error_set(err, ERR_GONE, "the sandbox has ended");
    *usage = (struct guest_usage){.cpu_us = -1,
                                  .memory_bytes = -1,
                                  .memory_cache_bytes = -1,
                                  .memory_limit_bytes = (int64_t)guest->limits.memory_bytes,
                                  .disk_used_bytes = guest->disk_used_bytes,
                                  .disk_total_bytes = (int64_t)guest->limits.disk_bytes,
                                  .processes = -1};
    cgroup_usage(guest->cgroup, usage);
    measure(guest);
    return true;
}
