/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands directly below `e2b`, each from the folder or file that owns it.
 */
#ifndef E2B_CLI_ROOT_H
#define E2B_CLI_ROOT_H

#include "cli/command.h"

extern const struct command command_sandbox;
extern const struct command command_event;
extern const struct command command_template;
extern const struct command command_health;
extern const struct command command_key;
extern const struct command command_local;
extern const struct command command_secret;
extern const struct command command_team;
extern const struct command command_volume;
extern const struct command command_webhook;
extern const struct command command_doctor;
extern const struct command command_help;
extern const struct command command_completion;
extern const struct command command_complete;

#endif
