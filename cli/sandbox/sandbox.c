/* SPDX-License-Identifier: Apache-2.0
 *
 * The noun's table.
 */
#include "cli/sandbox/sandbox.h"

#include "cli/root.h"

static const struct command *const children[] = {
    &command_sandbox_create,  &command_sandbox_run,   &command_sandbox_exec,
    &command_sandbox_connect, &command_sandbox_list,  &command_sandbox_info,
    &command_sandbox_kill,    &command_sandbox_pause, &command_sandbox_resume,
    &command_sandbox_timeout, &command_sandbox_fork,  &command_sandbox_snapshot,
    &command_sandbox_network, &command_sandbox_wait,  &command_sandbox_logs,
    &command_sandbox_metrics, &command_sandbox_spawn, NULL,
};

const struct command command_sandbox = {
    .name = "sandbox",
    .aliases = {"sbx"},
    .summary = "work with sandboxes",
    .children = children,
    .examples = (const char *const[]){"e2b sandbox run -- uname -a",
                                      "run one command in a sandbox of its own", NULL},
};
