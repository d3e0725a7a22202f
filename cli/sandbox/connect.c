/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox connect`: a terminal in a sandbox that runs already.
 */
#include "cli/sandbox/handle.h"
#include "cli/sandbox/process.h"
#include "cli/sandbox/sandbox.h"
#include "cli/sandbox/session.h"

static const struct option_spec options[] = {
    PROCESS_OPTIONS,
    {0},
};

static int connect_run(struct invocation *in, struct error *err) {
    cleanup_handle struct handle handle = {0};
    if (!session_possible(err) || !handle_connect(in->client, in->args[0], &handle, err))
        return -1;
    return session_run(in, &handle, "sandbox", 0, err);
}

const struct command command_sandbox_connect = {
    .name = "connect",
    .aliases = {"cn"},
    .summary = "open a terminal in a running sandbox",
    .description = "The exit status is that of the shell.",
    .arguments = "<sandboxID>",
    .complete = "sandbox",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples =
        (const char *const[]){"e2b sandbox connect i1234567890abcdefghij", "open a terminal", NULL},
    .handler = connect_run,
};
