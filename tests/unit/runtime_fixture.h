/* SPDX-License-Identifier: Apache-2.0
 *
 * A runtime on a loop of its own for tests, with every callback turned into a wait: what it starts
 * are real sandboxes of the machine the test runs on.
 */
#ifndef E2B_TESTS_RUNTIME_FIXTURE_H
#define E2B_TESTS_RUNTIME_FIXTURE_H

#include "backend/runtime/runtime.h"

enum { WORLD_MAX_GUESTS = 64, WORLD_MAX_EXITS = 64, WORLD_PROCESSES = 8, WORLD_OUTPUT = 4096 };

struct world {
    uv_loop_t loop;
    struct runtime *rt;
    struct guest *guests[WORLD_MAX_GUESTS];
    unsigned ready, failed, killed;
    struct error err; /* of the last failure */
    struct {
        int32_t pid, status;
    } exits[WORLD_MAX_EXITS];
    unsigned exit_count;
    unsigned exited; /* guests that ended by themselves */
    struct guest_process processes[WORLD_PROCESSES];
    unsigned process_count, answers;
};

/* Makes the directory that all worlds of this test program share. */
void world_prepare(void);
const char *world_state(void);

void world_open(struct world *w);
void world_open_with_spares(struct world *w, unsigned spares);
void world_close(struct world *w);

/* Runs the loop until *counter is at least `wanted`; fails the test after half a minute. */
void world_wait(struct world *w, const unsigned *counter, unsigned wanted);

/* Starts making a sandbox and does not wait; its id is made of `number`. */
void world_begin(struct world *w, unsigned number);
struct guest *world_create(struct world *w);
/* The same by a plan, which may be changed before. */
void world_plan(struct world *w, unsigned number, struct plan *plan);
struct guest *world_carry_out(struct world *w, const struct plan *plan);
/* w->killed tells when it is over. */
void world_begin_kill(struct world *w, struct guest *guest);
void world_kill(struct world *w, struct guest *guest);
struct guest *world_adopt(struct world *w, unsigned number, bool paused);
/* Pauses, resumes; false: the error is in w->err. */
bool world_calm(struct world *w, struct guest *guest,
                void (*way)(struct guest *guest, guest_done done, void *ctx));
void world_id(unsigned number, char id[static 32]);

/* NULL when it was refused; then the error is in w->err. */
struct guest_process *world_spawn(struct world *w, struct guest *guest,
                                  const struct guest_spawn *spawn);
/* `sh -c script` as user; waits for its end, which is returned as of wait(2). Output is cut. */
int world_shell(struct world *w, struct guest *guest, const char *script,
                char out[static WORLD_OUTPUT]);
int32_t world_end_of(struct world *w, int32_t pid);
/* All until end of file, or of what is there within the wait. */
void world_read(int fd, char out[static WORLD_OUTPUT]);

#endif
