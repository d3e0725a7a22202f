/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands below `e2b secret`.
 */
#ifndef E2B_CLI_SECRET_SECRET_H
#define E2B_CLI_SECRET_SECRET_H

#include "cli/command.h"

#define SECRETS_PATH "/secrets"

extern const struct command command_secret_set;

#endif
