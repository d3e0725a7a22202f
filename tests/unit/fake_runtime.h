/* SPDX-License-Identifier: Apache-2.0
 *
 * A runtime in memory: guests that are nothing but their pipes, held by the test as a program in
 * the sandbox would hold them. They outlive runtime_stop, as real ones do.
 */
#ifndef E2B_TESTS_UNIT_FAKE_RUNTIME_H
#define E2B_TESTS_UNIT_FAKE_RUNTIME_H

#include "backend/runtime/runtime.h"

struct fake_process {
    int32_t pid;
    int out, err, in; /* the program's ends; for a terminal out is the other side of it */
    int last_signal;
    bool stdin_closed, forgotten;
    char *arguments; /* "user\0cwd\0tag\0cmd\0", then args and env, one per line */
    struct fake_process *next;
};

struct fake {
    bool frozen;                      /* guest_runs says no */
    bool refuse_create, refuse_pause; /* they fail */
    unsigned created, killed, stopped, released, swept, discarded, synced;
    bool cleared_is_gone; /* what a paused sandbox wrote */
    unsigned layers;      /* that are there */
    size_t last_lowers;   /* of "/" in the last plan */
    unsigned volumes, swept_volumes;
    struct plan last_plan;
    int64_t last_deadline;
    int adopt_arguments; /* what an agent gives back for each process; 0: nothing usable */
};
extern struct fake fake;

struct runtime *fake_runtime(uv_loop_t *loop);
unsigned fake_alive(void);
struct fake_process *fake_last_process(void);
/* The program ends: its pipes close unless `keep_pipes`, and the core is told. */
void fake_exit(struct fake_process *process, int wait_status, bool keep_pipes);
void fake_close_pipes(struct fake_process *process);
/* From now on the disk watch holds it. */
void fake_guest_freezes(const char *id);
/* PID 1 of the sandbox died. */
void fake_guest_dies(const char *id);
/* The routes that were to be set last are, or are not. */
void fake_routes_are_set(const struct error *err);
/* A sandbox that no store knows. */
void fake_add_stray(const char *id);
void fake_reset(void);

#endif
