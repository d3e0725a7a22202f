/* SPDX-License-Identifier: Apache-2.0
 *
 * Start and stop. Each room is started after those it needs, and whoever waits for us hears
 * "ready" only when requests are answered. Two daemons never share a state directory: the lock in
 * it is held for as long as the process lives.
 */
#include "backend/daemon/daemon.h"

#include "common/clock.h"
#include "common/io.h"
#include "common/log.h"
#include "common/memory.h"

#include <openssl/crypto.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>

enum {
    LOG_BYTES = 8 << 20,
    LOCK_WAIT_MS = 15000, /* the one before us may be on its way out, and tidying up */
    LOCK_PAUSE_US = 20000,
};

/* ---- start ---- */

static void *need_for_uv(size_t size) {
    return memory_need_more(NULL, size);
}

static void *need_array_for_uv(size_t count, size_t size) {
    return memory_need(count * size);
}

static void *try_for_crypto(size_t size, const char *file, int line) {
    (void)file, (void)line;
    return memory_try(size);
}

static void *try_more_for_crypto(void *old, size_t size, const char *file, int line) {
    (void)file, (void)line;
    return memory_try_more(old, size);
}

static void free_for_crypto(void *memory, const char *file, int line) {
    (void)file, (void)line;
    free(memory);
}

/* libuv ends the program when it has no memory, what jansson could not add is missing then, and a
 * digest that could not be made looks like one. */
static void use_reserve(void) {
    uv_replace_allocator(need_for_uv, memory_need_more, need_array_for_uv, free);
    json_set_alloc_funcs(memory_try, free);
    CRYPTO_set_mem_functions(try_for_crypto, try_more_for_crypto, free_for_crypto);
}

static void do_nothing(uv_work_t *work) {
    (void)work;
}

/* The first work of all starts its threads, and that may not fail. */
static void start_pool(struct daemon *daemon) {
    static uv_work_t first;
    uv_queue_work(&daemon->loop, &first, do_nothing, NULL);
}

/* Every sandbox costs descriptors; the soft limit is for programs that use select(). */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Then there is no use in waiting for the lock. */
static bool another_answers(const struct daemon *daemon) {
    char runtime[PATHS_MAX];
    struct error ignored = ERROR_INIT;
    const char *where = paths_elsewhere(&daemon->paths, runtime) ? runtime : daemon->paths.runtime;
    cleanup_close int dir = open(where, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int sock =
        dir < 0 ? -1 : io_unix_connect(dir, PATHS_SOCKET, SOCK_STREAM, &ignored);
    return sock >= 0;
}

/* Whoever comes with another environment finds us by it. */
static bool say_where(const struct daemon *daemon, struct error *err) {
    const char *where = daemon->paths.runtime;
    return (ftruncate(daemon->lock, 0) == 0 && io_write_all(daemon->lock, where, strlen(where))) ||
           error_errno(err, errno, "cannot write %s/%s", daemon->paths.state, PATHS_OWNER);
}

static bool take_lock(struct daemon *daemon, struct error *err) {
    char path[PATHS_MAX + sizeof(PATHS_OWNER) + 1];
    snprintf(path, sizeof(path), "%s/%s", daemon->paths.state, PATHS_OWNER);
    daemon->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (daemon->lock < 0)
        return error_errno(err, errno, "cannot open %s", path);
    int64_t until = clock_mono_ms() + LOCK_WAIT_MS;
    while (flock(daemon->lock, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK && clock_mono_ms() < until && !another_answers(daemon)) {
            usleep(LOCK_PAUSE_US);
            continue;
        }
        error_set(err, ERR_CONFLICT, "another backend uses %s", daemon->paths.state);
        return error_hint(err, "stop it with `e2b local stop`, or set E2B_HOME to another place");
    }
    return say_where(daemon, err);
}

static bool open_log(const struct daemon *daemon, struct error *err) {
    char path[PATHS_MAX + sizeof(PATHS_LOG) + 1];
    snprintf(path, sizeof(path), "%s/%s", daemon->paths.state, PATHS_LOG);
    return log_open(path, LOG_INFO, LOG_BYTES, err);
}

static void on_signal(uv_signal_t *handle, int number) {
    daemon_stop(handle->data, strsignal(number));
}

static void watch_signals(struct daemon *daemon) {
    daemon->terminate.data = daemon->interrupt.data = daemon;
    uv_signal_init(&daemon->loop, &daemon->terminate);
    uv_signal_init(&daemon->loop, &daemon->interrupt);
    uv_signal_start(&daemon->terminate, on_signal, SIGTERM);
    uv_signal_start(&daemon->interrupt, on_signal, SIGINT);
}

static void fail(struct daemon *daemon, const struct error *err) {
    log_error("cannot start", "error", err->message, "hint", err->hint);
    report_error(err);
    daemon->failed = true;
    uv_stop(&daemon->loop);
}

/* What an earlier daemon left is known again: now requests can be answered. */
static void on_recovered(void *ctx) {
    struct daemon *daemon = ctx;
    struct error err = ERROR_INIT;
    if (daemon->stopping)
        return;
    if (!listen_open(daemon, &err)) {
        fail(daemon, &err);
        return;
    }
    idle_start(daemon);
    leave_watch_state(daemon);
    log_info("started", "version", PACKAGE_VERSION, "url", daemon->url);
    report_ready();
}

static bool start(struct daemon *daemon, struct error *err) {
    raise_descriptor_limit();
    if (!paths_find(&daemon->paths, err) || !paths_create(&daemon->paths, err) ||
        !open_log(daemon, err) || !take_lock(daemon, err) || !rooms_start(daemon, err))
        return false;
    daemon->server = http_server_start(&daemon->loop, dispatch, daemon, err);
    if (!daemon->server)
        return false;
    watch_signals(daemon);
    return core_recover(daemon->core, on_recovered, daemon, err);
}

int daemon_main(void) {
    static struct daemon daemon = {.lock = -1, .local_socket = -1};
    struct error err = ERROR_INIT;
    daemon.started_ms = clock_mono_ms();
    report_open();
    use_reserve();
    uv_loop_init(&daemon.loop);
    start_pool(&daemon);
    if (!start(&daemon, &err))
        fail(&daemon, &err);
    if (!daemon.failed)
        uv_run(&daemon.loop, UV_RUN_DEFAULT);
    rooms_stop(&daemon);
    leave_close(&daemon);
    log_info("stopped");
    return daemon.failed ? 1 : 0;
}
