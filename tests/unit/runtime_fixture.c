/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/runtime_fixture.h"
#include "common/clock.h"
#include "common/io.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 30000 };

static char state[256];
static int run; /* so that nobody else's sandbox is taken for ours */

void world_id(unsigned number, char id[static 32]) {
    snprintf(id, 32, "itest%dx%u", run, number);
}

const char *world_state(void) {
    return state;
}

static void report(void *ctx, const char *line) {
    (void)ctx;
    fprintf(stderr, "%s\n", line);
}

void world_prepare(void) {
    const char *tmp = getenv("TMPDIR");
    struct world w;
    run = (int)getpid();
    snprintf(state, sizeof(state), "%s/runtime.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(state));
    world_open(&w); /* builds the base, once for all tests */
    world_close(&w);
}

void world_open(struct world *w) {
    world_open_with_spares(w, 0);
}

void world_open_with_spares(struct world *w, unsigned spares) {
    const char *build = getenv("E2B_BUILD");
    char agent[4096];
    memset(w, 0, sizeof(*w));
    snprintf(agent, sizeof(agent), "%s/e2b-agent", build ? build : ".");
    const struct runtime_config config = {.state = state, .agent = agent, .spares = spares};
    ck_assert_int_eq(uv_loop_init(&w->loop), 0);
    w->rt = runtime_start(&w->loop, &config, report, NULL, &w->err);
    if (!w->rt)
        ck_abort_msg("%s", w->err.message);
}

void world_close(struct world *w) {
    runtime_stop(w->rt);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&w->loop), 0);
}

static void wake_up(uv_timer_t *timer) {
    (void)timer;
}

void world_wait(struct world *w, const unsigned *counter, unsigned wanted) {
    const int64_t end = clock_mono_ms() + PATIENCE_MS;
    uv_timer_t timer;
    uv_timer_init(&w->loop, &timer);
    uv_timer_start(&timer, wake_up, 100, 100);
    while (*counter < wanted && clock_mono_ms() < end)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    ck_assert_uint_ge(*counter, wanted);
}

/* ---- guests -----------------------------------------------------------------------------------
 */

static void on_process_exited(void *ctx, int32_t pid, int32_t status) {
    struct world *w = ctx;
    ck_assert_uint_lt(w->exit_count, WORLD_MAX_EXITS);
    w->exits[w->exit_count].pid = pid;
    w->exits[w->exit_count++].status = status;
}

static void on_guest_exited(void *ctx, const char *reason) {
    struct world *w = ctx;
    ck_assert_ptr_nonnull(reason);
    w->exited++;
}

static void on_frozen(void *ctx, const struct error *why) {
    (void)ctx;
    ck_abort_msg("frozen: %s", why->message);
}

static void on_known_process(void *ctx, struct guest_process *process) {
    struct world *w = ctx;
    ck_assert_uint_lt(w->process_count, WORLD_PROCESSES);
    w->processes[w->process_count++] = *process;
}

static const struct guest_events events = {on_process_exited, on_guest_exited, on_frozen,
                                           on_known_process};

static void on_ready(void *ctx, struct guest *guest, const struct error *err) {
    struct world *w = ctx;
    ck_assert((guest == NULL) == (err != NULL));
    if (guest) {
        w->guests[w->ready++] = guest;
        return;
    }
    w->err = *err;
    w->failed++;
}

void world_plan(struct world *w, unsigned number, struct plan *plan) {
    *plan = (struct plan){.limits = plan_default_limits, .template_id = "test"};
    world_id(number, plan->id);
    plan->overlay_count = runtime_base_overlays(w->rt, plan->overlays);
}

void world_begin(struct world *w, unsigned number) {
    struct plan plan;
    world_plan(w, number, &plan);
    guest_create(w->rt, &plan, &events, w, on_ready);
}

struct guest *world_create(struct world *w) {
    struct plan plan;
    world_plan(w, w->ready + 1, &plan);
    return world_carry_out(w, &plan);
}

struct guest *world_carry_out(struct world *w, const struct plan *plan) {
    const unsigned before = w->ready;
    guest_create(w->rt, plan, &events, w, on_ready);
    while (w->ready == before && !w->failed)
        uv_run(&w->loop, UV_RUN_ONCE);
    if (w->failed)
        ck_abort_msg("%s", w->err.message);
    return w->guests[before];
}

static void on_killed(void *ctx) {
    struct world *w = ctx;
    w->killed++;
}

void world_begin_kill(struct world *w, struct guest *guest) {
    guest_kill(guest, on_killed, w);
}

void world_kill(struct world *w, struct guest *guest) {
    const unsigned before = w->killed;
    world_begin_kill(w, guest);
    world_wait(w, &w->killed, before + 1);
}

static void on_calm(void *ctx, const struct error *err) {
    struct world *w = ctx;
    w->err = err ? *err : (struct error)ERROR_INIT;
    w->answers++;
}

bool world_calm(struct world *w, struct guest *guest,
                void (*way)(struct guest *guest, guest_done done, void *ctx)) {
    const unsigned before = w->answers;
    way(guest, on_calm, w);
    world_wait(w, &w->answers, before + 1);
    return w->err.kind == ERR_NONE;
}

struct guest *world_adopt(struct world *w, unsigned number, bool paused) {
    const unsigned before = w->ready;
    struct plan plan = {.limits = plan_default_limits};
    world_id(number, plan.id);
    guest_adopt(w->rt, &plan, paused, &events, w, on_ready);
    while (w->ready == before && !w->failed)
        uv_run(&w->loop, UV_RUN_ONCE);
    return w->ready > before ? w->guests[before] : NULL;
}

/* ---- processes --------------------------------------------------------------------------------
 */

static void on_spawned(void *ctx, const struct guest_process *process, const struct error *err) {
    struct world *w = ctx;
    ck_assert((process == NULL) == (err != NULL));
    if (process)
        w->processes[0] = *process;
    else
        w->err = *err;
    w->process_count = process != NULL;
    w->answers++;
}

struct guest_process *world_spawn(struct world *w, struct guest *guest,
                                  const struct guest_spawn *spawn) {
    const unsigned before = w->answers;
    guest_spawn(guest, spawn, on_spawned, w);
    ck_assert_uint_eq(w->answers, before); /* never from within the call */
    world_wait(w, &w->answers, before + 1);
    return w->process_count ? &w->processes[0] : NULL;
}

int32_t world_end_of(struct world *w, int32_t pid) {
    for (unsigned seen = 0;;) {
        for (; seen < w->exit_count; seen++)
            if (w->exits[seen].pid == pid)
                return w->exits[seen].status;
        world_wait(w, &w->exit_count, w->exit_count + 1);
    }
}

void world_read(int fd, char out[static WORLD_OUTPUT]) {
    size_t len = 0;
    ssize_t n = 0;
    while (len < WORLD_OUTPUT - 1) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        ck_assert_int_eq(poll(&ready, 1, PATIENCE_MS), 1);
        n = read(fd, out + len, WORLD_OUTPUT - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    out[len] = '\0';
}

/* The agent keeps its duplicate of the pipe, so its end is the end of the process, not of file. */
static void read_now(int fd, char out[static WORLD_OUTPUT]) {
    ck_assert(io_set_nonblocking(fd, true));
    ssize_t n = read(fd, out, WORLD_OUTPUT - 1);
    out[n < 0 ? 0 : n] = '\0';
}

int world_shell(struct world *w, struct guest *guest, const char *script,
                char out[static WORLD_OUTPUT]) {
    const char *args[] = {"-c", script, NULL}, *env[] = {NULL};
    const struct guest_spawn spawn = {
        .user = "user", .cwd = "", .cmd = "/bin/sh", .args = args, .env = env};
    struct guest_process *process = world_spawn(w, guest, &spawn);
    if (!process)
        ck_abort_msg("%s", w->err.message);
    struct guest_process p = *process;
    int32_t status = world_end_of(w, p.pid);
    w->exit_count = 0; /* another sandbox may have a process of that number */
    read_now(p.out, out);
    close(p.out);
    close(p.err);
    guest_forget(guest, p.pid);
    return status;
}
