/* SPDX-License-Identifier: Apache-2.0
 *
 * The server as a whole: its connections, the queue of those that have something to do, the clock
 * that ends those that do nothing, and the orderly stop.
 */
#include "backend/http/internal.h"

#include <string.h>
#include <sys/resource.h>

enum { TICK_MS = 1000, MAX_CONNECTIONS = 8192 };

static void on_prepare(uv_prepare_t *handle) {
    struct http_server *server = handle->data;
    struct connection *c;
    while ((c = server->ready)) {
        server->ready = c->next_ready;
        if (!server->ready)
            server->ready_tail = &server->ready;
        c->is_ready = false;
        connection_run(c);
    }
}

static void on_tick(uv_timer_t *handle) {
    struct http_server *server = handle->data;
    int64_t now_ms = (int64_t)uv_now(server->loop);
    for (struct connection *c = server->connections; c; c = c->next)
        connection_check_deadline(c, now_ms);
    listener_hang_up(server);
    listener_resume_all(server);
    if (!server->connections && server->refused_fd < 0)
        uv_timer_stop(&server->tick);
}

void server_start_tick(struct http_server *server) {
    if (!uv_is_active((uv_handle_t *)&server->tick))
        uv_timer_start(&server->tick, on_tick, TICK_MS, TICK_MS);
}

/* Other parts of the process need descriptors too. */
static unsigned connection_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 2 * (rlim_t)MAX_CONNECTIONS)
        return MAX_CONNECTIONS;
    return (unsigned)(limit.rlim_cur / 2);
}

struct http_server *http_server_start(uv_loop_t *loop, http_handler handler, void *ctx,
                                      struct error *err) {
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server) {
        error_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    server->loop = loop;
    server->handler = handler;
    server->ctx = ctx;
    server->ready_tail = &server->ready;
    server->max_connections = connection_limit();
    server->patience = (struct http_patience){
        .head_ms = 10000, .body_ms = 30000, .idle_ms = 300000, .linger_ms = 2000};
    server->quiet_since_ms = (int64_t)uv_now(loop);
    server->spare_fd = server->refused_fd = -1;
    listener_hang_up(server);
    uv_prepare_init(loop, &server->prepare);
    uv_timer_init(loop, &server->tick);
    uv_timer_init(loop, &server->grace);
    server->open_handles = 3;
    server->prepare.data = server->tick.data = server->grace.data = server;
    uv_prepare_start(&server->prepare, on_prepare);
    uv_unref((uv_handle_t *)&server->prepare);
    return server;
}

bool http_server_listen(struct http_server *server, const struct http_listener *listener,
                        struct error *err) {
    return listener_open(server, listener, err);
}

void http_server_unlisten(struct http_server *server, int fd) {
    listener_close(server, fd);
}

unsigned http_server_exchanges(const struct http_server *server) {
    return server->exchange_count;
}

int64_t http_server_quiet_ms(const struct http_server *server) {
    return server->exchange_count ? 0 : (int64_t)uv_now(server->loop) - server->quiet_since_ms;
}

/* A header line, made anew once a second. */
const char *server_date(struct http_server *server) {
    time_t now = time(NULL);
    struct tm utc;
    if (now != server->date_at && gmtime_r(&now, &utc)) {
        strftime(server->date, sizeof(server->date), "Date: %a, %d %b %Y %T GMT\r\n", &utc);
        server->date_at = now;
    }
    return server->date;
}

/* ---- the stop ---- */

static void on_handle_closed(uv_handle_t *handle) {
    server_handle_closed(handle->data);
}

void server_handle_closed(struct http_server *server) {
    if (--server->open_handles)
        return;
    void (*stopped)(void *) = server->stopped;
    void *ctx = server->stopped_ctx;
    close_fd(&server->refused_fd);
    close_fd(&server->spare_fd);
    free(server);
    if (stopped)
        stopped(ctx);
}

static void close_when_empty(struct http_server *server) {
    if (!server->stopping || server->connections || uv_is_closing((uv_handle_t *)&server->prepare))
        return;
    uv_close((uv_handle_t *)&server->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&server->tick, on_handle_closed);
    uv_close((uv_handle_t *)&server->grace, on_handle_closed);
}

static void shut_down_all(struct http_server *server, bool at_once) {
    for (struct connection *c = server->connections; c; c = c->next)
        connection_shut_down(c, at_once);
}

static void on_grace_over(uv_timer_t *handle) {
    shut_down_all(handle->data, true);
}

void http_server_stop(struct http_server *server, unsigned grace_ms, void (*done)(void *ctx),
                      void *ctx) {
    server->stopping = true;
    server->stopped = done;
    server->stopped_ctx = ctx;
    listener_close_all(server);
    shut_down_all(server, false);
    uv_timer_start(&server->grace, on_grace_over, grace_ms, 0);
    close_when_empty(server);
}

/* ---- the connections ---- */

void server_count_connection(struct http_server *server, struct connection *c) {
    c->next = server->connections;
    c->link = &server->connections;
    if (c->next)
        c->next->link = &c->next;
    server->connections = c;
    server->open_handles++;
    server->connection_count++;
    server_start_tick(server);
}

static void leave_ready_queue(struct http_server *server, struct connection *c) {
    for (struct connection **at = &server->ready; *at; at = &(*at)->next_ready) {
        if (*at != c)
            continue;
        *at = c->next_ready;
        if (!*at)
            server->ready_tail = at;
        return;
    }
}

void server_forget_connection(struct connection *c) {
    struct http_server *server = c->server;
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    if (c->is_ready)
        leave_ready_queue(server, c);
    server->connection_count--;
    listener_resume_all(server);
    close_when_empty(server);
}
