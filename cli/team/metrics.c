/* SPDX-License-Identifier: Apache-2.0
 *
 * `team metrics`: how many sandboxes ran at a time, and how fast they were started.
 */
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/sandbox/view.h"
#include "cli/team/team.h"
#include "common/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct option_spec options[] = {
    {.name = "since",
     .type = OPTION_DURATION,
     .value = "duration",
     .fallback = "1h",
     .min = 1,
     .max = 7 * 24 * 3600,
     .help = "how far to look back"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

/* The one whose keys these are. */
static char *find_team(struct client *client, struct error *err) {
    cleanup_json json_t *teams = resource_list(client, "/teams", err);
    const char *id = NULL;
    if (!teams)
        return NULL;
    for (size_t i = 0; i < json_array_size(teams); i++) {
        const json_t *team = json_array_get(teams, i);
        if (!id || json_is_true(json_object_get(team, "isDefault")))
            id = json_string_value(json_object_get(team, "teamID"));
    }
    char *copy = id ? strdup(id) : NULL;
    if (!copy)
        error_set(err, ERR_NOT_FOUND, "the server knows no team for this key");
    return copy;
}

static int metrics_run(struct invocation *in, struct error *err) {
    static const struct resource_column columns[] = {
        {"TIME", "timestamp", view_time},
        {"SANDBOXES", "concurrentSandboxes", NULL},
        {"STARTED PER SECOND", "sandboxStartRate", NULL},
        {0},
    };
    cleanup_response struct response response = {0};
    char suffix[64];
    cleanup_free char *team = find_team(in->client, err);
    if (!team)
        return -1;
    int64_t now_s = clock_now_ms() / 1000;
    snprintf(suffix, sizeof(suffix), "/metrics?start=%" PRId64 "&end=%" PRId64,
             now_s - option_number(in, "since"), now_s);
    if (!resource_call(in->client, "GET", "/teams", team, suffix, NULL, &response, err))
        return -1;
    resource_print(in, response.json, columns, "No sandbox ran in that time");
    return EXIT_OK;
}

const struct command command_team_metrics = {
    .name = "metrics",
    .summary = "show how many sandboxes ran and were started",
    .description = "The local backend counts every 5 seconds while sandboxes run, and keeps that "
                   "for an hour, a minute's most for a day and a quarter of an hour's for a week.",
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples =
        (const char *const[]){"e2b team metrics --since 1d --format json", "all of a day", NULL},
    .handler = metrics_run,
};
