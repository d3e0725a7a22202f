/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox fork`: new sandboxes with the files of a running one.
 */
#include "cli/output.h"
#include "cli/sandbox/handle.h"
#include "cli/sandbox/sandbox.h"

enum { MAX_FORKS = 100 };

static const struct option_spec options[] = {
    {.name = "count",
     .letter = 'n',
     .type = OPTION_INTEGER,
     .value = "count",
     .fallback = "1",
     .min = 1,
     .max = MAX_FORKS,
     .help = "how many"},
    {.name = "timeout",
     .type = OPTION_DURATION,
     .value = "duration",
     .fallback = "5m",
     .min = 1,
     .max = INT32_MAX,
     .help = "how long they live"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

/* One a line; the status tells if any is missing. */
static int print(const json_t *forks) {
    int status = EXIT_OK;
    for (size_t i = 0; i < json_array_size(forks); i++) {
        const json_t *entry = json_array_get(forks, i);
        const char *id =
            json_string_value(json_object_get(json_object_get(entry, "sandbox"), "sandboxID"));
        const char *message =
            json_string_value(json_object_get(json_object_get(entry, "error"), "message"));
        if (id) {
            output_safe(stdout, id, "");
            putchar('\n');
            continue;
        }
        fflush(stdout);
        fputs("e2b: a fork failed: ", stderr);
        output_safe(stderr, message ? message : "the server does not say why", "");
        fputc('\n', stderr);
        status = EXIT_FAILED;
    }
    return status;
}

static int fork_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body =
        json_pack("{s:I, s:I}", "timeout", (json_int_t)option_number(in, "timeout"), "count",
                  (json_int_t)option_number(in, "count"));
    if (!handle_ask(in->client, "POST", in->args[0], "/fork", body, &response, err))
        return -1;
    if (!output_wants_json(in))
        return print(response.json);
    output_json(stdout, response.json);
    return EXIT_OK;
}

const struct command command_sandbox_fork = {
    .name = "fork",
    .summary = "make new sandboxes with the files of a running one",
    .description = "Prints their ids, one a line. The sandbox goes on; the local backend's forks "
                   "have its files as they were at one instant, and start anew, without its "
                   "processes.",
    .arguments = "<sandboxID>",
    .complete = "sandbox",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b sandbox fork i1234567890abcdefghij --count 4",
                                      "four of them", NULL},
    .handler = fork_run,
};
