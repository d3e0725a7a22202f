/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox wait`: until a sandbox runs, is paused, has ended, or a port in it is open. States are
 * asked for again and again, as the API has no other way; a port is awaited inside.
 */
#include "cli/sandbox/handle.h"
#include "cli/sandbox/process.h"
#include "cli/sandbox/sandbox.h"
#include "cli/sandbox/verdict.h"
#include "common/clock.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_PAUSE_MS = 20, LAST_PAUSE_MS = 500 };

static const struct option_spec options[] = {
    {.name = "for",
     .type = OPTION_STRING,
     .value = "what",
     .fallback = "running",
     .help = "running, paused, exit, or port:N"},
    {.name = "timeout",
     .type = OPTION_DURATION,
     .value = "duration",
     .min = 1,
     .max = INT32_MAX,
     .help = "give up after this time, with status 124"},
    {0},
};

static int give_up(const struct invocation *in, struct error *err) {
    error_set(err, ERR_TIMEOUT, "sandbox %s: waited in vain for %s", in->args[0],
              option_string(in, "for"));
    return -1;
}

/* ---- states ---- */

/* 1: it is, 0: not yet, -1: it will not be. */
static int look(struct invocation *in, const char *wanted, struct error *err) {
    cleanup_response struct response response = {0};
    const char *state = NULL;
    bool is_exit = strcmp(wanted, "exit") == 0;
    if (!handle_ask(in->client, "GET", in->args[0], "", NULL, &response, err))
        return is_exit && err->kind == ERR_NOT_FOUND ? 1 : -1;
    if (!json_get_string(response.json, "state", &state, err))
        return -1;
    return state && strcmp(state, wanted) == 0;
}

static int wait_for_state(struct invocation *in, const char *wanted, struct error *err) {
    int64_t end_ms = option_given(in, "timeout")
                         ? clock_mono_ms() + option_number(in, "timeout") * 1000
                         : INT64_MAX;
    for (int pause_ms = FIRST_PAUSE_MS;; pause_ms = MIN(2 * pause_ms, (int)LAST_PAUSE_MS)) {
        int found = look(in, wanted, err);
        if (found)
            return found < 0 ? -1 : EXIT_OK;
        int64_t left_ms = end_ms - clock_mono_ms();
        if (left_ms <= 0)
            return give_up(in, err);
        poll(NULL, 0, (int)MIN(left_ms, (int64_t)pause_ms));
    }
}

/* ---- ports ---- */

static json_t *describe(const struct invocation *in, unsigned port) {
    char script[160];
    snprintf(script, sizeof(script),
             "timeout %" PRId64 " bash -c 'until (exec 3<>/dev/tcp/localhost/%u) 2>/dev/null; do "
             "sleep .05; done'",
             option_number(in, "timeout"), port);
    return json_pack("{s:s, s:[s, s]}", "cmd", "/bin/sh", "args", "-c", script);
}

/* timeout(1) waits for ever when its time is 0, and exits 124 as we do. */
static int wait_for_port(struct invocation *in, unsigned port, struct error *err) {
    cleanup_handle struct handle handle = {0};
    cleanup_json json_t *process = describe(in, port);
    struct attach_end end;
    if (!handle_connect(in->client, in->args[0], &handle, err))
        return -1;
    const struct attach attach = {
        .client = in->client, .sandbox = &handle.address, .process = process};
    if (!attach_run(&attach, &end, err))
        return -1;
    return end.exit_code == EXIT_TIMEOUT ? give_up(in, err) : verdict_shell(&end);
}

static int wait_run(struct invocation *in, struct error *err) {
    static const char *const states[] = {"running", "paused", "exit"};
    const char *wanted = option_string(in, "for");
    unsigned port;
    char more;
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (strcmp(wanted, states[i]) == 0)
            return wait_for_state(in, wanted, err);
    if (sscanf(wanted, "port:%5u%c", &port, &more) == 1 && port > 0 && port < 65536)
        return wait_for_port(in, port, err);
    error_set(err, ERR_USAGE, "'%s' is nothing to wait for", wanted);
    return error_hint(err, "write running, paused, exit, or port:N") - 1;
}

const struct command command_sandbox_wait = {
    .name = "wait",
    .summary = "wait until a sandbox is in a state, or a port in it is open",
    .arguments = "<sandboxID>",
    .complete = "sandbox",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples =
        (const char *const[]){
            "e2b sandbox wait i1234567890abcdefghij --for port:3000 --timeout 30s",
            "until a server in it is there", "e2b sandbox wait i1234567890abcdefghij --for exit",
            "until it has ended", NULL},
    .handler = wait_run,
};
