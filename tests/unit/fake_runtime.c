/* SPDX-License-Identifier: Apache-2.0
 *
 * See fake_runtime.h.
 */
#include "tests/unit/fake_runtime.h"

#include "common/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct runtime {
    uv_loop_t *loop;
};

struct guest {
    char id[32];
    const struct guest_events *events;
    void *ctx;
    int32_t next_pid;
    bool paused;
    struct fake_process *processes;
    struct guest *next;
};

struct fake fake;
static struct runtime runtime;
static struct guest *guests;
static struct fake_process *last_process;

const struct plan_limits plan_default_limits = {.memory_bytes = 1 << 30,
                                                .processes = 1024,
                                                .files = 4096,
                                                .disk_bytes = 10ULL << 30,
                                                .cpus = 2};

/* ---- answers that come later -----------------------------------------------------------------
 */

struct later {
    uv_timer_t timer;
    guest_ready ready;
    guest_spawned spawned;
    void (*done)(void *ctx);
    void (*signalled)(void *ctx, const struct error *err);
    void *ctx;
    struct guest *guest;
    struct guest_process process;
    struct error err;
};

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void on_timer(uv_timer_t *timer) {
    struct later *later = timer->data;
    const struct error *err = later->err.kind ? &later->err : NULL;
    if (later->ready)
        later->ready(later->ctx, err ? NULL : later->guest, err);
    if (later->spawned)
        later->spawned(later->ctx, err ? NULL : &later->process, err);
    if (later->signalled)
        later->signalled(later->ctx, err);
    if (later->done)
        later->done(later->ctx);
    uv_close((uv_handle_t *)timer, on_closed);
}

static struct later *answer_later(void *ctx) {
    struct later *later = calloc(1, sizeof(*later));
    uv_timer_init(runtime.loop, &later->timer);
    later->timer.data = later;
    later->ctx = ctx;
    uv_timer_start(&later->timer, on_timer, 0, 0);
    return later;
}

/* ---- guests ----------------------------------------------------------------------------------
 */

static struct guest *find(const char *id) {
    struct guest *at = guests;
    while (at && strcmp(at->id, id) != 0)
        at = at->next;
    return at;
}

static struct guest *add(const char *id, const struct guest_events *events, void *ctx) {
    struct guest *guest = calloc(1, sizeof(*guest));
    snprintf(guest->id, sizeof(guest->id), "%s", id);
    guest->events = events;
    guest->ctx = ctx;
    guest->next_pid = 2;
    guest->next = guests;
    guests = guest;
    return guest;
}

static void free_process(struct fake_process *process) {
    fake_close_pipes(process);
    free(process->arguments);
    if (last_process == process)
        last_process = NULL;
    free(process);
}

static void remove_guest(struct guest *guest) {
    struct guest **at = &guests;
    while (*at != guest)
        at = &(*at)->next;
    *at = guest->next;
    while (guest->processes) {
        struct fake_process *process = guest->processes;
        guest->processes = process->next;
        free_process(process);
    }
    free(guest);
}

struct runtime *fake_runtime(uv_loop_t *loop) {
    runtime.loop = loop;
    return &runtime;
}

unsigned fake_alive(void) {
    unsigned count = 0;
    for (struct guest *at = guests; at; at = at->next)
        count++;
    return count;
}

void fake_reset(void) {
    while (guests)
        remove_guest(guests);
    fake = (struct fake){0};
}

void fake_add_stray(const char *id) {
    add(id, NULL, NULL);
}

void fake_guest_dies(const char *id) {
    struct guest *guest = find(id);
    guest->events->exited(guest->ctx, "its first process has ended");
}

void fake_guest_freezes(const char *id) {
    struct guest *guest = find(id);
    struct error why = ERROR_INIT;
    fake.frozen = true;
    guest_runs(guest, &why);
    guest->events->frozen(guest->ctx, &why);
}

static void make_pipe(int *program, int *daemon, bool program_writes) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        abort();
    *program = fds[program_writes];
    *daemon = fds[!program_writes];
}

/* ---- runtime.h -------------------------------------------------------------------------------
 */

bool runtime_spare(const struct runtime *rt, struct plan *plan) {
    (void)rt, (void)plan;
    return false;
}

size_t runtime_base_overlays(struct runtime *rt,
                             struct plan_overlay overlays[ZYGOTE_MAX_OVERLAYS]) {
    (void)rt;
    static const char *const lowers[] = {"base/root"};
    overlays[0] = (struct plan_overlay){.target = "/", .lowers = lowers, .lower_count = 1};
    return 1;
}

json_t *runtime_describe_plan(const struct runtime *rt, const struct plan *plan) {
    (void)rt;
    return json_pack("{s:s}", "id", plan->id);
}

const struct runtime_facts *runtime_facts(const struct runtime *rt) {
    static const struct runtime_facts facts = {.id_count = 1};
    (void)rt;
    return &facts;
}

bool guest_runs(const struct guest *guest, struct error *err) {
    (void)guest;
    return !fake.frozen || error_set(err, ERR_NO_SPACE, "the sandbox is frozen");
}

void runtime_discard_base(struct runtime *rt, const char *key) {
    (void)rt;
    (void)key;
}

void runtime_sweep_bases(struct runtime *rt, bool (*is_used)(void *ctx, const char *key),
                         void *ctx) {
    (void)rt;
    (void)is_used;
    (void)ctx;
}

bool plan_check(const struct plan *plan, struct error *err) {
    (void)err;
    return plan->id[0] != '\0';
}

void guest_create(struct runtime *rt, const struct plan *plan, const struct guest_events *events,
                  void *ctx, guest_ready ready) {
    (void)rt;
    struct later *later = answer_later(ctx);
    later->ready = ready;
    fake.last_plan = *plan;
    fake.last_lowers = plan->overlays[0].lower_count;
    if (fake.refuse_create) {
        error_set(&later->err, ERR_NO_SPACE, "the disk is full");
        return;
    }
    fake.created++;
    later->guest = add(plan->id, events, ctx);
}

void guest_adopt(struct runtime *rt, const struct plan *plan, bool paused,
                 const struct guest_events *events, void *ctx, guest_ready ready) {
    (void)rt;
    struct later *later = answer_later(ctx);
    struct guest *guest = find(plan->id);
    later->ready = ready;
    later->guest = guest;
    if (!guest) {
        error_set(&later->err, ERR_GONE, "it has ended");
        return;
    }
    guest->events = events;
    guest->ctx = ctx;
    guest->paused = paused;
    for (struct fake_process *at = guest->processes; at; at = at->next) {
        struct guest_process process = {.pid = at->pid, .arguments = -1, .in = -1};
        if (fake.adopt_arguments)
            process.arguments = fcntl(fake.adopt_arguments, F_DUPFD_CLOEXEC, 3);
        fake_close_pipes(at);
        make_pipe(&at->out, &process.out, true);
        make_pipe(&at->err, &process.err, true);
        events->found(ctx, &process);
    }
}

void runtime_defer(struct runtime *rt, void (*work)(void *ctx), void *ctx) {
    (void)rt;
    answer_later(ctx)->done = work;
}

void guest_kill(struct guest *guest, void (*done)(void *ctx), void *ctx) {
    fake.killed++;
    answer_later(ctx)->done = done;
    remove_guest(guest);
}

void guest_stop(struct guest *guest, void (*done)(void *ctx), void *ctx) {
    fake.stopped++;
    answer_later(ctx)->done = done;
    remove_guest(guest);
}

void guest_pause(struct guest *guest, guest_done done, void *ctx) {
    struct later *later = answer_later(ctx);
    later->signalled = done;
    if (fake.refuse_pause)
        error_set(&later->err, ERR_TIMEOUT, "it does not stand still");
    else
        guest->paused = true;
}

void guest_resume(struct guest *guest, guest_done done, void *ctx) {
    guest->paused = false;
    answer_later(ctx)->signalled = done;
}

static struct {
    void (*done)(void *ctx, const struct error *err);
    void *ctx;
} routes;

void guest_set_network(struct guest *guest, const struct plan_network *network,
                       void (*done)(void *ctx, const struct error *err), void *ctx) {
    (void)guest;
    (void)network;
    routes.done = done;
    routes.ctx = ctx;
}

void guest_restore_network(struct guest *guest, const struct plan_network *network) {
    (void)guest;
    (void)network;
}

void fake_routes_are_set(const struct error *err) {
    routes.done(routes.ctx, err);
}

void runtime_sync(struct runtime *rt, guest_done done, void *ctx) {
    (void)rt;
    fake.synced++;
    answer_later(ctx)->signalled = done;
}

void runtime_copy(struct runtime *rt, const char *id, const char *layer, guest_done done,
                  void *ctx) {
    (void)rt;
    (void)layer;
    struct guest *guest = find(id);
    struct later *later = answer_later(ctx);
    later->signalled = done;
    fake.layers++;
    if (guest && !guest->paused)
        error_set(&later->err, ERR_INTERNAL, "it was copied while it ran");
}

void runtime_measure_layer(struct runtime *rt, const char *layer,
                           void (*done)(void *ctx, int64_t bytes), void *ctx) {
    (void)rt;
    (void)layer;
    done(ctx, -1);
}

bool runtime_take(struct runtime *rt, const char *id, const char *layer, struct error *err) {
    (void)rt;
    (void)id;
    (void)layer;
    (void)err;
    fake.layers++;
    return true;
}

bool runtime_stack_layer(struct runtime *rt, const char *layer, struct overlays *overlays) {
    char name[128];
    (void)rt;
    snprintf(name, sizeof(name), OVERLAYS_LAYERS "%s/rw/root", layer);
    return overlays_push(&overlays->at[0], name);
}

void runtime_discard(struct runtime *rt, const char *id, void (*done)(void *ctx), void *ctx) {
    (void)rt;
    (void)id;
    fake.discarded++;
    answer_later(ctx)->done = done;
}

void runtime_discard_layer(struct runtime *rt, const char *layer) {
    (void)rt;
    (void)layer;
    fake.layers--;
}

void runtime_sweep_layers(struct runtime *rt, bool (*is_known)(void *ctx, const char *layer),
                          void *ctx) {
    (void)rt;
    (void)is_known;
    (void)ctx;
}

bool runtime_clear(struct runtime *rt, const char *id) {
    (void)rt;
    (void)id;
    return !fake.cleared_is_gone;
}

void guest_release(struct guest *guest) {
    (void)guest;
    fake.released++;
}

void runtime_sweep(struct runtime *rt, bool (*is_known)(void *ctx, const char *id), void *ctx) {
    (void)rt;
    for (struct guest *at = guests, *next; at; at = next) {
        next = at->next;
        if (is_known(ctx, at->id))
            continue;
        remove_guest(at);
        fake.swept++;
    }
}

void guest_set_deadline(struct guest *guest, int64_t unix_seconds) {
    (void)guest;
    fake.last_deadline = unix_seconds;
}

bool guest_usage(struct guest *guest, struct guest_usage *usage, struct error *err) {
    (void)guest;
    (void)usage;
    return error_set(err, ERR_UNSUPPORTED, "not counted here");
}

/* ---- processes -------------------------------------------------------------------------------
 */

static char *keep_arguments(const struct guest_spawn *spawn) {
    struct buf b = BUF_INIT(1 << 20);
    bool ok = buf_printf(&b, "%s|%s|%s|%s", spawn->user, spawn->cwd, spawn->tag, spawn->cmd);
    for (const char *const *at = spawn->args; ok && *at; at++)
        ok = buf_printf(&b, "|%s", *at);
    for (const char *const *at = spawn->env; ok && *at; at++)
        ok = buf_printf(&b, "\n%s", *at);
    return ok ? buf_steal(&b) : NULL;
}

void guest_spawn(struct guest *guest, const struct guest_spawn *spawn, guest_spawned done,
                 void *ctx) {
    struct later *later = answer_later(ctx);
    later->spawned = done;
    if (strcmp(spawn->user, "nobody-of-that-name") == 0) {
        error_set(&later->err, ERR_UNAUTHENTICATED, "invalid username: '%s'", spawn->user);
        return;
    }
    struct fake_process *process = calloc(1, sizeof(*process));
    *process = (struct fake_process){
        .pid = guest->next_pid++, .in = -1, .arguments = keep_arguments(spawn)};
    later->process = (struct guest_process){.pid = process->pid, .arguments = -1, .in = -1};
    make_pipe(&process->out, &later->process.out, true);
    make_pipe(&process->err, &later->process.err, true);
    if (spawn->want_stdin)
        make_pipe(&process->in, &later->process.in, false);
    later->process.has_stdin = spawn->want_stdin;
    process->next = guest->processes;
    guest->processes = process;
    last_process = process;
}

struct fake_process *fake_last_process(void) {
    return last_process;
}

void fake_close_pipes(struct fake_process *process) {
    close_fd(&process->out);
    close_fd(&process->err);
    close_fd(&process->in);
}

static struct guest *guest_of(const struct fake_process *process) {
    for (struct guest *guest = guests; guest; guest = guest->next)
        for (struct fake_process *at = guest->processes; at; at = at->next)
            if (at == process)
                return guest;
    abort();
}

void fake_exit(struct fake_process *process, int wait_status, bool keep_pipes) {
    struct guest *guest = guest_of(process);
    if (!keep_pipes)
        fake_close_pipes(process);
    guest->events->process_exited(guest->ctx, process->pid, wait_status);
}

static struct fake_process *by_pid(struct guest *guest, int32_t pid) {
    struct fake_process *at = guest->processes;
    while (at && at->pid != pid)
        at = at->next;
    return at;
}

void guest_signal(struct guest *guest, int32_t pid, int number,
                  void (*done)(void *ctx, const struct error *err), void *ctx) {
    by_pid(guest, pid)->last_signal = number;
    answer_later(ctx)->signalled = done;
}

void guest_close_stdin(struct guest *guest, int32_t pid) {
    by_pid(guest, pid)->stdin_closed = true;
}

void guest_forget(struct guest *guest, int32_t pid) {
    by_pid(guest, pid)->forgotten = true;
}

unsigned runtime_collect(struct runtime *rt, bool dry_run) {
    (void)rt, (void)dry_run;
    return 0;
}

bool runtime_volume_create(struct runtime *rt, const char *id, struct error *err) {
    (void)rt;
    (void)id;
    fake.volumes += !fake.refuse_create;
    return !fake.refuse_create || error_set(err, ERR_NO_SPACE, "the disk is full");
}

void runtime_volume_discard(struct runtime *rt, const char *id) {
    (void)rt;
    (void)id;
    fake.volumes--;
}

int runtime_volume_helper(struct runtime *rt, const char *id, enum helper_op op,
                          const char *const *args, struct error *err) {
    (void)rt;
    (void)id;
    (void)op;
    (void)args;
    error_set(err, ERR_UNSUPPORTED, "there are no files here");
    return -1;
}

void runtime_volume_sweep(struct runtime *rt, bool (*is_known)(void *ctx, const char *id),
                          void *ctx) {
    (void)rt;
    fake.swept_volumes += !is_known(ctx, "no volume");
}

int guest_helper(struct guest *guest, enum helper_op op, const char *user, const char *const *args,
                 struct error *err) {
    (void)guest;
    (void)op;
    (void)user;
    (void)args;
    error_set(err, ERR_UNSUPPORTED, "there are no files here");
    return -1;
}
