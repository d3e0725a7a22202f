/* SPDX-License-Identifier: Apache-2.0
 *
 * See build_box.h.
 */
#include "backend/core/build_box.h"
#include "backend/core/core.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_LINE = 8 << 10, PIECE = 256 << 10 };

struct line {
    size_t len;
    bool is_skipped; /* the rest of it: it is too long */
    char bytes[MAX_LINE];
};

/* A command under way. */
struct running {
    struct build_box *box;
    struct process_listener listener;
    const struct build_box_events *events;
    void *ctx;
    bool in_background, is_feeding, is_over;
    struct line lines[2];
    uv_fs_t read; /* of the input */
    int input;
    char *piece;
    struct running *next;
};

struct build_box {
    struct core *core;
    struct sandbox *sandbox;
    struct running *running;
    unsigned starting;                    /* commands whose process has not been told of */
    bool is_making, is_closed, is_ending; /* its guest is */
    char lost[128];                       /* "": its guest lives */
    void (*ready)(void *ctx, const struct error *err);
    void *ctx;
    struct overlays *onto; /* what is kept goes there */
    char layer[ID_UUID];
    void (*kept)(void *ctx, const struct error *err);
    void *kept_ctx;
};

static void box_free(struct build_box *box) {
    if (box->is_making || box->starting || box->running || box->is_ending || box->sandbox->guest)
        return; /* the last of these calls again */
    sandbox_free(box->sandbox);
    free(box);
}

/* ---- lines ---- */

/* The store takes UTF-8 alone, and a log needs no control characters. */
static void make_readable(char *text) {
    for (unsigned char *at = (unsigned char *)text; *at;) {
        size_t len = *at < 0x80                  ? 1
                     : *at >= 0xc2 && *at < 0xe0 ? 2
                     : *at >= 0xe0 && *at < 0xf0 ? 3
                     : *at >= 0xf0 && *at < 0xf5 ? 4
                                                 : 0;
        bool ok = len > 0;
        for (size_t i = 1; ok && i < len; i++)
            ok = (at[i] & 0xc0) == 0x80;
        if (ok && len == 3)
            ok = !(at[0] == 0xe0 && at[1] < 0xa0) && !(at[0] == 0xed && at[1] > 0x9f);
        if (ok && len == 4)
            ok = !(at[0] == 0xf0 && at[1] < 0x90) && !(at[0] == 0xf4 && at[1] > 0x8f);
        if (!ok)
            *at = '?';
        at += ok ? len : 1;
    }
}

static void end_line(struct running *r, enum process_stream stream) {
    struct line *line = &r->lines[stream];
    if (line->len && line->bytes[line->len - 1] == '\r')
        line->len--;
    line->bytes[line->len] = '\0';
    const char *last = strrchr(line->bytes, '\r'); /* a progress bar: what it shows at the end */
    if (line->len) {
        make_readable(line->bytes);
        r->events->line(r->ctx, stream, last ? last + 1 : line->bytes);
    }
    line->len = 0;
    line->is_skipped = false;
}

static void on_data(struct process_listener *l, enum process_stream stream, const void *bytes,
                    size_t len) {
    struct running *r = container_of(l, struct running, listener);
    const char *at = bytes, *end = at + len;
    while (at < end && !r->box->is_closed) {
        struct line *line = &r->lines[stream];
        if (*at == '\n') {
            end_line(r, stream);
        } else if (line->len < sizeof(line->bytes) - 1 && *at) {
            line->bytes[line->len++] = *at;
        }
        at++;
    }
}

/* ---- the end of a command ---- */

static void unlink_running(struct running *r) {
    struct running **at = &r->box->running;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
}

/* A read of its input may be under way: that one frees it. */
static void release(struct running *r) {
    struct build_box *box = r->box;
    r->is_over = true;
    if (r->is_feeding)
        return;
    unlink_running(r);
    close_fd(&r->input);
    free(r->piece);
    free(r);
    if (box->is_closed)
        box_free(box);
}

static void finish(struct running *r, const struct process_end *end, const struct error *err) {
    const struct build_box_events *events = r->events;
    void *ctx = r->ctx;
    bool told = !r->box->is_closed && !r->in_background;
    release(r);
    if (told)
        events->done(ctx, end, err);
}

static void on_end(struct process_listener *l, const struct process_end *end) {
    struct running *r = container_of(l, struct running, listener);
    for (size_t i = 0; i < ARRAY_LEN(r->lines) && !r->box->is_closed; i++)
        if (r->lines[i].len)
            end_line(r, (enum process_stream)i);
    finish(r, end, NULL);
}

static void on_lost(struct process_listener *l, const struct error *why) {
    struct running *r = container_of(l, struct running, listener);
    struct error err = *why;
    if (*r->box->lost)
        error_set(&err, ERR_GONE, "the sandbox of the step ended: %s", r->box->lost);
    finish(r, NULL, &err);
}

/* ---- its input: a file, as fast as it is read ---- */

static void read_next(struct running *r);

static void on_fed(void *ctx, const struct error *err) {
    struct running *r = ctx;
    r->is_feeding = false;
    if (r->is_over)
        release(r);
    else if (!err)
        read_next(r);
}

static void on_read(uv_fs_t *request) {
    struct running *r = request->data;
    struct error ignored = ERROR_INIT;
    ssize_t n = request->result;
    uv_fs_req_cleanup(request);
    if (n > 0 && !r->is_over && !r->box->is_closed) {
        process_write(r->listener.process, false, r->piece, (size_t)n, on_fed, r);
        return;
    }
    r->is_feeding = false;
    if (r->is_over)
        release(r);
    else
        process_close_stdin(r->listener.process, &ignored);
}

static void read_next(struct running *r) {
    uv_buf_t piece = uv_buf_init(r->piece, PIECE);
    r->is_feeding = true;
    r->read.data = r;
    if (uv_fs_read(core_loop(r->box->core), &r->read, r->input, &piece, 1, -1, on_read) < 0)
        r->is_feeding = false; /* out of memory: it waits until its time is over */
}

/* ---- a command ---- */

static void on_started(void *ctx, struct process *process, const struct error *err) {
    struct running *r = ctx;
    r->box->starting--;
    if (err)
        finish(r, NULL, err);
    else if (r->piece && process == r->listener.process)
        read_next(r);
}

void build_box_run(struct build_box *box, const struct build_command *command, bool in_background,
                   const struct build_box_events *events, void *ctx) {
    struct running *r = memory_need(sizeof(*r));
    *r = (struct running){.box = box,
                          .listener = {.data = on_data, .end = on_end, .lost = on_lost},
                          .events = events,
                          .ctx = ctx,
                          .in_background = in_background,
                          .input = command->input,
                          .next = box->running};
    box->running = r;
    struct error err = ERROR_INIT;
    if (*box->lost)
        error_set(&err, ERR_GONE, "the sandbox of the step ended: %s", box->lost);
    else if (command->input >= 0 && !(r->piece = memory_try(PIECE)))
        error_errno(&err, ENOMEM, "cannot read the files");
    if (err.kind) {
        finish(r, NULL, &err);
        return;
    }
    const struct process_spec spec = {
        .user = command->user,
        .cwd = command->cwd,
        .cmd = command->argv[0],
        .args = command->argv + 1,
        .env = command->env ? *command->env : (struct pairs){NULL, 0},
        .want_stdin = command->input >= 0,
        .ends_alone = !in_background,
        .timeout_ms = command->timeout_ms,
    };
    box->starting++;
    process_start(box->sandbox, &spec, &r->listener, on_started, r);
}

/* ---- the guest ---- */

struct guest *build_box_guest(const struct build_box *box) {
    return box->sandbox->guest;
}

static void on_process_exited(void *ctx, int32_t pid, int32_t status) {
    struct build_box *box = ctx;
    process_on_exit(box->sandbox, pid, status);
}

static void on_exited(void *ctx, const char *reason) {
    struct build_box *box = ctx;
    snprintf(box->lost, sizeof(box->lost), "%.120s", reason);
    process_lose_all(box->sandbox);
}

/* It would stand still until there is room: nobody waits for that. */
static void on_frozen(void *ctx, const struct error *why) {
    static const char known[] = "the sandbox is frozen: ";
    const char *text = why->message;
    on_exited(ctx, strncmp(text, known, strlen(known)) == 0 ? text + strlen(known) : text);
}

static void on_killed(void *ctx) {
    struct build_box *box = ctx;
    box->is_ending = false;
    box_free(box);
}

static void kill_guest(struct build_box *box) {
    process_lose_all(box->sandbox);
    box->sandbox->state = SANDBOX_ENDING;
    box->is_ending = box->sandbox->guest != NULL;
    if (box->is_ending)
        guest_kill(steal_ptr(&box->sandbox->guest), on_killed, box);
    else
        box_free(box);
}

static void on_ready(void *ctx, struct guest *guest, const struct error *err) {
    struct build_box *box = ctx;
    box->is_making = false;
    box->sandbox->guest = guest;
    if (box->is_closed) {
        kill_guest(box);
        return;
    }
    if (guest)
        box->sandbox->state = SANDBOX_RUNNING;
    else
        snprintf(box->lost, sizeof(box->lost), "it could not be made");
    box->ready(box->ctx, err);
}

static struct sandbox *make_sandbox(struct core *core, const struct build_box_plan *plan) {
    char id[ID_SANDBOX];
    ids_sandbox(id);
    struct sandbox *sandbox = memory_need(sizeof(*sandbox));
    sandbox->core = core;
    snprintf(sandbox->id, sizeof(sandbox->id), "%s", id);
    snprintf(sandbox->template_id, sizeof(sandbox->template_id), "%s", plan->template_id);
    sandbox->is_hidden = true;
    sandbox->default_user = "root";
    sandbox->limits = plan_default_limits;
    sandbox->network.internet = true;
    if (plan->cpus)
        sandbox->limits.cpus = (uint32_t)plan->cpus;
    if (plan->memory_mb)
        sandbox->limits.memory_bytes = (uint64_t)plan->memory_mb << 20;
    return sandbox;
}

static void on_unmade(void *ctx) {
    struct error err = ERROR_INIT;
    error_errno(&err, ENOMEM, "cannot make a sandbox");
    on_ready(ctx, NULL, &err);
}

struct build_box *build_box_open(struct core *core, const struct build_box_plan *wanted,
                                 void (*ready)(void *ctx, const struct error *err), void *ctx) {
    static const struct guest_events events = {
        .process_exited = on_process_exited, .exited = on_exited, .frozen = on_frozen};
    struct build_box *box = memory_need(sizeof(*box));
    struct plan plan;
    struct error err = ERROR_INIT;
    *box = (struct build_box){.core = core, .ready = ready, .ctx = ctx, .is_making = true};
    box->sandbox = make_sandbox(core, wanted);
    if (!sandbox_set_overlays(box->sandbox, wanted->overlays, &err)) {
        runtime_defer(core->config.runtime, on_unmade, box);
        return box;
    }
    sandbox_fill_plan(box->sandbox, &plan);
    plan.alone = plan.keeps_tmp = true; /* the next step may look for it */
    guest_create(core->config.runtime, &plan, &events, box, on_ready);
    return box;
}

static void on_stopped(void *ctx) {
    struct build_box *box = ctx;
    struct error err = ERROR_INIT;
    struct runtime *rt = box->core->config.runtime;
    if (box->is_closed) {
        runtime_discard(rt, box->sandbox->id, on_killed, box);
        return;
    }
    box->is_closed = true;
    if (runtime_take(rt, box->sandbox->id, box->layer, &err) &&
        !runtime_stack_layer(rt, box->layer, box->onto))
        error_errno(&err, ENOMEM, "cannot keep what the step wrote");
    box->kept(box->kept_ctx, err.kind ? &err : NULL);
    on_killed(box);
}

void build_box_keep(struct build_box *box, const char *layer, struct overlays *overlays,
                    void (*done)(void *ctx, const struct error *err), void *ctx) {
    box->onto = overlays;
    box->kept = done;
    box->kept_ctx = ctx;
    snprintf(box->layer, sizeof(box->layer), "%s", layer);
    process_lose_all(box->sandbox);
    box->sandbox->state = SANDBOX_ENDING;
    box->is_ending = true;
    guest_stop(steal_ptr(&box->sandbox->guest), on_stopped, box);
}

void build_box_close(struct build_box *box) {
    if (box->is_closed)
        return;
    box->is_closed = true;
    if (box->is_making || box->is_ending)
        return; /* what is under way ends it */
    kill_guest(box);
}

void build_box_drop(struct build_box *box) {
    box->is_closed = true;
    process_lose_all(box->sandbox);
    if (box->sandbox->guest)
        guest_kill(steal_ptr(&box->sandbox->guest), NULL, NULL);
    box->is_making = box->is_ending = false;
    box->starting = 0;
    box_free(box);
}
