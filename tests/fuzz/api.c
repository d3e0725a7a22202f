/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: bodies and queries of the control plane and of a sandbox's own API, through the
 * server and the core, over a runtime in memory. The first byte of the input picks the call, the
 * rest is its body, or its query for a GET. When the client is gone nothing may be left of it.
 */
#include "backend/api/api.h"
#include "backend/core/process.h"
#include "backend/envd/envd.h"
#include "backend/http/internal.h"
#include "common/log.h"
#include "tests/unit/fake_runtime.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS = 10000, QUIET_TURNS = 20, MAX_QUERY = 4096 };

static const char unary[] = "application/json", stream[] = "application/connect+json";
static const struct {
    const char *method, *path, *type;
    bool envd;
} calls[] = {
    {"POST", "/v2/sandboxes?dryRun=true", unary, false},
    {"POST", "/sandboxes", unary, false},
    {"POST", "/sandboxes/i/timeout", unary, false},
    {"GET", "/v2/sandboxes", NULL, false},
    {"GET", "/sandboxes", NULL, false},
    {"POST", "/process.Process/List", unary, true},
    {"POST", "/process.Process/Start", stream, true},
    {"POST", "/process.Process/Connect", stream, true},
    {"POST", "/process.Process/Update", unary, true},
    {"POST", "/process.Process/SendInput", unary, true},
    {"POST", "/process.Process/StreamInput", stream, true},
    {"POST", "/process.Process/SendSignal", unary, true},
    {"POST", "/process.Process/CloseStdin", unary, true},
};

static uv_loop_t loop;
static struct http_server *server;
static struct core *core;
static struct sandbox *sandbox;
static bool serve_envd;

static void need(bool truth) {
    if (!truth)
        abort();
}

static void serve(void *ctx, struct exchange *x) {
    static const struct route *const tables[] = {api_sandbox_routes, api_sandbox_list_routes,
                                                 api_sandbox_time_routes};
    static struct api api;
    const struct router router = {.tables = tables, .table_count = ARRAY_LEN(tables), .ctx = &api};
    (void)ctx;
    api = (struct api){.core = core, .domain = "localhost:1"};
    if (serve_envd)
        envd_serve(sandbox, x);
    else
        router_serve(&router, x);
}

static void on_created(void *ctx, struct sandbox *made, const struct error *err) {
    (void)ctx;
    (void)err;
    need(made != NULL);
    sandbox = made;
}

/* With one process, as number 2, whose pipes nobody reads or writes. */
static void on_started(void *ctx, struct process *process, const struct error *err) {
    (void)err;
    need(process != NULL);
    *(bool *)ctx = true;
}

static void on_data(struct process_listener *l, enum process_stream s, const void *b, size_t n) {
    (void)l, (void)s, (void)b, (void)n;
}

static void make_sandbox(void) {
    static const char *const args[] = {NULL};
    static struct process_listener listener = {.data = on_data};
    bool started = false;
    struct sandbox_request request = {.template_ref = "base", .timeout_s = 3600};
    sandbox = NULL;
    sandbox_create(core, &request, on_created, NULL);
    while (!sandbox)
        uv_run(&loop, UV_RUN_ONCE);
    process_start(sandbox, &(struct process_spec){.cmd = "x", .args = args, .want_stdin = true},
                  &listener, on_started, &started);
    while (!started)
        uv_run(&loop, UV_RUN_ONCE);
    process_unlisten(&listener);
}

static void remove_sandboxes(void) {
    for (struct sandbox *at = sandbox_first(core), *older; at; at = older) {
        older = sandbox_older(at);
        sandbox_kill(at, "request", NULL, NULL);
    }
    while (sandbox_count(core))
        uv_run(&loop, UV_RUN_ONCE);
    need(fake_alive() == 0);
}

static char state[] = "/tmp/e2b-fuzz-XXXXXX";

static void remove_state(void) {
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", state);
    need(system(command) == 0);
}

static void start(void) {
    struct error err = ERROR_INIT;
    char path[64];
    signal(SIGPIPE, SIG_IGN);
    need(log_open("/dev/null", LOG_ERROR, 1 << 30, &err));
    need(uv_loop_init(&loop) == 0);
    need(mkdtemp(state) && atexit(remove_state) == 0);
    snprintf(path, sizeof(path), "%s/state.db", state);
    struct store *store = store_open(path, &err);
    need(store != NULL);
    core = core_start(&(struct core_config){.loop = &loop,
                                            .runtime = fake_runtime(&loop),
                                            .store = store,
                                            .state = state,
                                            .max_sandboxes = 100,
                                            .max_timeout_s = 86400,
                                            .events_address = "x"},
                      &err);
    need(core != NULL);
    server = http_server_start(&loop, serve, NULL, &err);
    need(server != NULL);
}

/* The request's head and body; freed by the caller. */
static char *compose(const uint8_t *data, size_t size, size_t *len) {
    struct buf b = BUF_INIT(2 << 20);
    unsigned at = size ? data[0] % ARRAY_LEN(calls) : 0;
    const uint8_t *rest = size ? data + 1 : data;
    size_t rest_len = size ? size - 1 : 0;
    serve_envd = calls[at].envd;
    need(buf_printf(&b, "%s %s", calls[at].method, calls[at].path));
    if (!calls[at].type) {
        need(buf_puts(&b, "?"));
        for (size_t i = 0; i < MIN(rest_len, (size_t)MAX_QUERY); i++)
            if (rest[i] > ' ' && rest[i] < 0x7f)
                need(buf_add(&b, rest + i, 1));
        need(buf_puts(&b, " HTTP/1.1\r\nHost: x\r\n\r\n"));
    } else {
        need(buf_printf(&b,
                        " HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                        calls[at].type, rest_len));
        need(buf_add(&b, rest, rest_len));
    }
    *len = b.len;
    return buf_steal(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct http_listener listener = {.trusted = true};
    static char sink[64 << 10];
    int pair[2];
    size_t len, sent = 0;
    if (size > 1 << 20)
        return 0;
    if (!server)
        start();
    make_sandbox();
    cleanup_free char *text = compose(data, size, &len);
    need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    need(connection_accept(server, pair[1], &listener, false));
    /* What streams would go on for ever, and a daemon that waits to write too: the peer leaves. */
    for (int quiet = 0; quiet < QUIET_TURNS; quiet++) {
        ssize_t n = sent < len ? send(pair[0], text + sent, MIN(len - sent, (size_t)997), 0) : 0;
        if (n > 0)
            quiet = 0;
        sent += n > 0 ? (size_t)n : 0;
        uv_run(&loop, UV_RUN_NOWAIT);
        while (recv(pair[0], sink, sizeof(sink), 0) > 0)
            quiet = 0;
    }
    close(pair[0]);
    for (int turn = 0; server->connection_count; turn++) {
        need(turn < TURNS);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    need(server->exchange_count == 0);
    remove_sandboxes();
    return 0;
}
