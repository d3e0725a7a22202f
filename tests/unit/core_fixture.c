/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/core_fixture.h"

#include <signal.h>
#include <stdio.h>

uv_loop_t loop;
struct store *store;
struct core *core;
struct error err;
char state_dir[64], state_path[96];
struct core_config core_config;

void start_core(void) {
    err = (struct error)ERROR_INIT;
    store = store_open(state_path, &err);
    ck_assert_msg(store != NULL, "%s", err.message);
    core_config.loop = &loop;
    core_config.runtime = fake_runtime(&loop);
    core_config.store = store;
    core = core_start(&core_config, &err);
    ck_assert_msg(core != NULL, "%s", err.message);
}

void stop_core(void) {
    core_stop(core);
    core = NULL;
    store_close(store);
    while (uv_run(&loop, UV_RUN_NOWAIT))
        ;
}

void core_prepare(void) {
    signal(SIGPIPE, SIG_IGN);
    snprintf(state_dir, sizeof(state_dir), "/tmp/e2b-core-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(state_dir));
    snprintf(state_path, sizeof(state_path), "%s/state.db", state_dir);
    core_config = (struct core_config){.state = state_dir,
                                       .max_sandboxes = 2000,
                                       .max_timeout_s = 24 * 3600,
                                       .events_address = "http://192.0.2.1"};
    uv_loop_init(&loop);
}

void core_tear_down(void) {
    char command[128];
    if (core)
        stop_core();
    fake_reset();
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    snprintf(command, sizeof(command), "rm -rf %s", state_dir);
    ck_assert_int_eq(system(command), 0);
}

void wait_for(const bool *flag) {
    while (!*flag)
        uv_run(&loop, UV_RUN_ONCE);
}

void on_flag(void *ctx) {
    *(bool *)ctx = true;
}

static void on_created(void *ctx, struct sandbox *sandbox, const struct error *failure) {
    struct created *created = ctx;
    created->done = true;
    created->sandbox = sandbox;
    if (failure)
        created->err = *failure;
}

struct created create_with(struct sandbox_request request) {
    struct created created = {.sandbox = NULL};
    sandbox_create(core, &request, on_created, &created);
    wait_for(&created.done);
    return created;
}

struct sandbox *create(int64_t timeout_s) {
    struct created created =
        create_with((struct sandbox_request){.template_ref = "base", .timeout_s = timeout_s});
    ck_assert_msg(created.sandbox != NULL, "%s", created.err.message);
    return created.sandbox;
}
