/* SPDX-License-Identifier: Apache-2.0
 *
 * A core with a store of its own over a runtime in memory, which is stopped and started as a daemon
 * would, and what most tests of it do: make a sandbox, and wait.
 */
#ifndef E2B_TESTS_UNIT_CORE_FIXTURE_H
#define E2B_TESTS_UNIT_CORE_FIXTURE_H

#include "backend/core/core.h"
#include "tests/unit/fake_runtime.h"
#include "tests/unit/unit.h"

extern uv_loop_t loop;
extern struct store *store;
extern struct core *core;
extern struct error err;
extern char state_dir[64], state_path[96]; /* the store is state.db in it */
/* For the next start; loop, runtime and store are filled in. */
extern struct core_config core_config;

/* The directory, the loop, and a core_config with usual limits. */
void core_prepare(void);
/* All of that is gone, and nothing is left on the loop. */
void core_tear_down(void);
void start_core(void);
void stop_core(void);

/* Turns the loop until *flag; a test that waits in vain is ended by check's own limit. */
void wait_for(const bool *flag);
/* A callback that sets the flag. */
void on_flag(void *ctx);

struct created {
    bool done;
    struct sandbox *sandbox;
    struct error err;
};
struct created create_with(struct sandbox_request request);
/* One of `base`, which must succeed. */
struct sandbox *create(int64_t timeout_s);

#endif
