/* SPDX-License-Identifier: Apache-2.0
 *
 * The templates of a team, for the commands that list them or let a person choose.
 */
#ifndef E2B_CLI_TEMPLATE_LISTING_H
#define E2B_CLI_TEMPLATE_LISTING_H

#include "cli/command.h"

#include <jansson.h>

#define TEMPLATE_TEAM_OPTIONS                                                                      \
    {.name = "project",                                                                            \
     .letter = 't',                                                                                \
     .type = OPTION_STRING,                                                                        \
     .value = "project-id",                                                                        \
     .env = "E2B_PROJECT_ID",                                                                      \
     .help = "the project whose templates are meant"},                                             \
    {                                                                                              \
        .name = "team", .type = OPTION_STRING, .value = "team-id", .env = "E2B_TEAM_ID",           \
        .help = "former name of --project", .hidden = true,                                        \
    }

/* The array that the server answers (the caller's), or NULL. */
json_t *listing_templates(const struct invocation *in, struct error *err);
/* The names of a template, sorted, with commas between; free()d by the caller. */
char *listing_names(const json_t *template);

#endif
