/* SPDX-License-Identifier: Apache-2.0
 *
 * The noun's table.
 */
#include "cli/template/template.h"

#include "cli/root.h"

static const struct command *const children[] = {
    &command_template_create,    &command_template_import,
    &command_template_list,      &command_template_info,
    &command_template_status,    &command_template_logs,
    &command_template_wait,      &command_template_publish,
    &command_template_unpublish, &command_template_delete,
    &command_template_tag,       &command_template_pack,
    &command_template_cache,     NULL,
};

const struct command command_template = {
    .name = "template",
    .aliases = {"tpl"},
    .summary = "manage sandbox templates",
    .children = children,
    .examples =
        (const char *const[]){"e2b template create my-template", "build ./Dockerfile", NULL},
};
