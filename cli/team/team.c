/* SPDX-License-Identifier: Apache-2.0
 *
 * `e2b team`.
 */
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/root.h"
#include "cli/team/team.h"

static const struct option_spec options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

static const char *const examples[] = {"e2b team list", "whose sandboxes these are", NULL};

/* Its key is for programs that ask the API, not for a screen. */
static void drop_keys(json_t *teams) {
    for (size_t i = 0; i < json_array_size(teams); i++)
        json_object_del(json_array_get(teams, i), "apiKey");
}

static int list_run(struct invocation *in, struct error *err) {
    static const struct resource_column columns[] = {
        {"TEAM ID", "teamID", NULL},
        {"NAME", "name", NULL},
        {"DEFAULT", "isDefault", NULL},
        {0},
    };
    cleanup_json json_t *teams = resource_list(in->client, "/teams", err);
    if (!teams)
        return -1;
    drop_keys(teams);
    resource_print(in, teams, columns, "No teams found");
    return EXIT_OK;
}

static const struct command command_list = {
    .name = "list",
    .aliases = {"ls"},
    .summary = "list the teams",
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b team list", "whose sandboxes these are", NULL},
    .handler = list_run,
};

static const struct command *const children[] = {&command_list, &command_team_metrics, NULL};

const struct command command_team = {
    .name = "team",
    .summary = "work with teams",
    .description = "The local backend has one, called local.",
    .children = children,
    .examples = examples,
};
