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
    struct build_state state;
    struct build_step user; /* the step before the first one */
    char key[KEPT_KEY];
    size_t at;      /* the step that is done now: 0 is `user`, then spec.steps[at - 1] */
    bool is_forced; /* nothing kept is used any more */
    struct build_box *box;
    char layer[ID_UUID];
    struct step_command command;
    char label[64], step[BUILD_STEP];
    char last[256]; /* line on standard output */
    int64_t started_ms, ready_until_ms;
    struct unpacking *unpacking; /* of the image that is imported; NULL */
    uint64_t pause_ms;
    uv_timer_t *timer; /* until the next look whether it is ready */
    struct error err;
};

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
/* Goes on with the first step. */
void build_begin(struct build_run *run);

/* ---- build_stage.c ---- */
/* The step that run->at says and all behind it. */
void build_next_step(struct build_run *run);

/* ---- build_finish.c ---- */
void build_finalize(struct build_run *run);

#endif
