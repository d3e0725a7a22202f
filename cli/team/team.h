/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands below `e2b team`.
 */
#ifndef E2B_CLI_TEAM_TEAM_H
#define E2B_CLI_TEAM_TEAM_H

#include "cli/command.h"

extern const struct command command_team_metrics;

#endif
