/* SPDX-License-Identifier: Apache-2.0
 *
 * A build under way, for the rooms that drive it: build_from.c finds what it starts from,
 * build_stage.c does its steps, build_finish.c makes the template ready, build_run.c begins and
 * ends it.
 */
#ifndef E2B_CORE_BUILD_INTERNAL_H
#define E2B_CORE_BUILD_INTERNAL_H

#include "backend/core/build_box.h"
#include "backend/core/build_log.h"
#include "backend/core/build_run.h"
#include "backend/core/build_steps.h"
#include "backend/core/core.h"
#include "backend/core/kept.h"

struct build_run {
    struct core *core;
    struct build *build; /* NULL: nobody wants it any more */
    struct build_spec spec;
    size_t stage;             /* that is built now */
    struct build_state *made; /* what each stage before it came to */
    struct build_state state;
    struct build_step user; /* the step before the first one */
    char key[KEPT_KEY];
    size_t at;      /* the step that is done now: 0 is `user`, then those of the stage from 1 on */
    bool is_forced; /* what was kept before this build is not used any more */
    struct build_box *box;
    struct build_box *source; /* of another stage, whose files are being copied; NULL: none */
    struct files_query *taking;
    char layer[ID_UUID];
    struct step_command command;
    char label[BUILD_STEP], step[BUILD_STEP];
    char last[256];      /* line on standard output */
    char complaint[256]; /* the first line on standard error */
    int64_t started_ms;
    int64_t ready_until_ms;      /* by the monotonic clock */
    struct unpacking *unpacking; /* of the image that is imported; NULL */
    uint64_t pause_ms;
    uv_timer_t *timer; /* until the next look whether it is ready */
    struct error err;
};

static inline const struct build_stage *build_stage_now(const struct build_run *run) {
    return &run->spec.stages[run->stage];
}
static inline bool build_is_last_stage(const struct build_run *run) {
    return run->stage + 1 == run->spec.stage_count;
}

/* ---- build_run.c ---- */
/* The ends of it: it is not to be used after them. */
void build_fail(struct build_run *run, const struct error *err);
void build_succeed(struct build_run *run);
/* A box on the layers so far. */
void build_open_box(struct build_run *run, void (*ready)(void *ctx, const struct error *err));
/* Runs run->command in it; takes the input. */
void build_run_command(struct build_run *run, int input, const struct build_box_events *events);
/* A line that a command wrote. */
void build_on_line(void *ctx, enum process_stream stream, const char *text);

/* ---- build_from.c ---- */
/* Begins a stage, and goes on with its first step. */
void build_begin(struct build_run *run);

/* ---- build_stage.c ---- */
/* The step that run->at says and all behind it. */
void build_next_step(struct build_run *run);

/* The step that a box was made ready for is over; err NULL: it was done. */
void build_end_step(struct build_run *run, const struct error *err);

/* ---- build_copy.c ---- */
/* COPY from another stage into run->box, then build_end_step. */
void build_copy(struct build_run *run, const struct build_step *step);
void build_copy_stop(struct build_run *run);

/* ---- build_finish.c ---- */
void build_finalize(struct build_run *run);

#endif
