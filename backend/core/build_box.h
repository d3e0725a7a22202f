/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox in which one step of a build runs: in no list, told to nobody, and swept away like
 * any unknown one when the daemon dies. What it wrote can be kept as a layer.
 */
#ifndef E2B_CORE_BUILD_BOX_H
#define E2B_CORE_BUILD_BOX_H

#include "backend/core/process.h"
#include "backend/runtime/overlays.h"

struct build_box;

struct build_box_plan {
    const struct overlays *overlays;
    const char *template_id;
    int64_t cpus, memory_mb;
};

/* The box is there at once and takes commands when `ready` has come, which is told of a failure
 * too; it is the caller's to close in any case. */
struct build_box *build_box_open(struct core *core, const struct build_box_plan *plan,
                                 void (*ready)(void *ctx, const struct error *err), void *ctx);

/* That of one that is ready. */
struct guest *build_box_guest(const struct build_box *box);

struct build_command {
    const char *user, *cwd;
    const char *const *argv; /* NULL-terminated */
    const struct pairs *env; /* NULL: none */
    int input;               /* a file that becomes its standard input, taken; -1: none */
    int64_t timeout_ms;      /* 0: none */
};

struct build_box_events {
    void (*line)(void *ctx, enum process_stream stream, const char *text);
    /* Either it ended, or err: it could not be started, or its sandbox is gone. */
    void (*done)(void *ctx, const struct process_end *end, const struct error *err);
};

/* One at a time; those that go on (`in_background`) are not counted, and only their lines told. */
void build_box_run(struct build_box *box, const struct build_command *command, bool in_background,
                   const struct build_box_events *events, void *ctx);
/* Ends it and makes what it wrote a layer on top of `overlays`. The box is gone when `done` comes;
 * `layer` is the new one's name. */
void build_box_keep(struct build_box *box, const char *layer, struct overlays *overlays,
                    void (*done)(void *ctx, const struct error *err), void *ctx);
/* No callback comes any more. */
void build_box_close(struct build_box *box);
/* The same when the daemon stops: the loop does not run any more. */
void build_box_drop(struct build_box *box);

#endif
