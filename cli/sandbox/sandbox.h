/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands below `e2b sandbox`, a file each.
 */
#ifndef E2B_CLI_SANDBOX_SANDBOX_H
#define E2B_CLI_SANDBOX_SANDBOX_H

#include "cli/command.h"

extern const struct command command_sandbox_create;
extern const struct command command_sandbox_spawn;
extern const struct command command_sandbox_run;
extern const struct command command_sandbox_exec;
extern const struct command command_sandbox_connect;
extern const struct command command_sandbox_list;
extern const struct command command_sandbox_info;
extern const struct command command_sandbox_kill;
extern const struct command command_sandbox_logs;
extern const struct command command_sandbox_metrics;
extern const struct command command_sandbox_pause;
extern const struct command command_sandbox_resume;
extern const struct command command_sandbox_timeout;
extern const struct command command_sandbox_fork;
extern const struct command command_sandbox_snapshot;
extern const struct command command_sandbox_network;
extern const struct command command_sandbox_wait;

#endif
