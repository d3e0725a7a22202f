/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands below `e2b template`.
 */
#ifndef E2B_CLI_TEMPLATE_TEMPLATE_H
#define E2B_CLI_TEMPLATE_TEMPLATE_H

#include "cli/command.h"

extern const struct command command_template_create;
extern const struct command command_template_pack;
extern const struct command command_template_import;
extern const struct command command_template_list;
extern const struct command command_template_info;
extern const struct command command_template_status;
extern const struct command command_template_logs;
extern const struct command command_template_wait;
extern const struct command command_template_delete;
extern const struct command command_template_publish;
extern const struct command command_template_unpublish;
extern const struct command command_template_tag;
extern const struct command command_template_cache;

#endif
