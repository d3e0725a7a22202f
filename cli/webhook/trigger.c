/* SPDX-License-Identifier: Apache-2.0
 *
 * `webhook trigger`: an event that did not happen, through the whole path, to try receivers with.
 */
#include "cli/output.h"
#include "cli/webhook/webhook.h"

#include <stdio.h>

static const struct option_spec options[] = {
    {.name = "sandbox",
     .type = OPTION_STRING,
     .value = "sandboxID",
     .help = "what sandbox it claims to be about; a new id if not given"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

static int trigger_run(struct invocation *in, struct error *err) {
    char type[EVENT_TYPE];
    const char *sandbox = option_string(in, "sandbox");
    cleanup_response struct response response = {0};
    if (!event_type_full(in->args[0], type, err))
        return -1;
    cleanup_json json_t *body = json_pack("{s:s, s:s*}", "type", type, "sandboxId", sandbox);
    if (!client_call(in->client, "POST", "/local/events", body, &response, err))
        return -1;
    if (output_wants_json(in))
        output_json(stdout, response.json);
    else
        printf("Event %s (%s) is written\n",
               json_string_value(json_object_get(response.json, "id")), type);
    return EXIT_OK;
}

const struct command command_webhook_trigger = {
    .name = "trigger",
    .summary = "write an event that did not happen, to try receivers with",
    .description = "Every webhook that wants its type is told, and it stands in the list of events "
                   "with \"synthetic\" in its metadata. Local backend only.",
    .arguments = "<type>",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_LOCAL | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b webhook trigger killed", "the end of no sandbox", NULL},
    .handler = trigger_run,
};
