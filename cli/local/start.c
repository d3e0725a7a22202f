/* SPDX-License-Identifier: Apache-2.0
 *
 * `local start`: whoever starts it by hand wants it to stay.
 */
#include "cli/local/local.h"

#include "common/json.h"

static int start_run(struct invocation *in, struct error *err) {
    cleanup_json json_t *status = NULL;
    if (!local_call(in->client, "POST", "/local/stay", NULL, err) ||
        !local_call(in->client, "GET", "/local/status", &status, err))
        return -1;
    printf("The local backend runs (pid %lld) at %s\n",
           (long long)json_integer_value(json_object_get(status, "pid")),
           json_string_value(json_object_get(status, "url")));
    return EXIT_OK;
}

const struct command command_local_start = {
    .name = "start",
    .summary = "start the backend and let it stay until it is stopped",
    .flags = COMMAND_API | COMMAND_LOCAL | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b local start", "start it", NULL},
    .handler = start_run,
};
