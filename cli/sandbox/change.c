/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox pause`, `sandbox resume`, `sandbox timeout`.
 */
#include "cli/sandbox/handle.h"
#include "cli/sandbox/sandbox.h"
#include "common/clock.h"

/* ---- pause ---- */

static const struct option_spec pause_options[] = {
    {.name = "drop-memory",
     .type = OPTION_BOOL,
     .help = "keep only its files: processes end, and resuming starts it anew"},
    {0},
};

static int pause_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = json_pack("{s:b}", "memory", !option_bool(in, "drop-memory"));
    if (handle_ask(in->client, "POST", in->args[0], "/pause", body, &response, err)) {
        printf("Sandbox %s has been paused\n", in->args[0]);
        return EXIT_OK;
    }
    if (err->http_status != 409)
        return -1;
    printf("Sandbox %s is already paused\n", in->args[0]);
    return EXIT_OK;
}

const struct command command_sandbox_pause = {
    .name = "pause",
    .aliases = {"ps"},
    .summary = "pause a sandbox",
    .description =
        "It costs no processor time until it is resumed, and its time does not run out. The local "
        "backend keeps its processes frozen in memory: should the machine be restarted meanwhile, "
        "it starts anew from its files.",
    .arguments = "<sandboxID>",
    .complete = "sandbox",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = pause_options,
    .examples = (const char *const[]){"e2b sandbox pause i1234567890abcdefghij", "pause it", NULL},
    .handler = pause_run,
};

/* ---- resume ---- */

static const struct option_spec resume_options[] = {
    {.name = "timeout",
     .type = OPTION_DURATION,
     .value = "duration",
     .fallback = "5m",
     .min = 1,
     .max = INT32_MAX,
     .help = "how long it lives from now on"},
    {.name = "drop-memory", .type = OPTION_BOOL, .help = "start it anew from its files"},
    {0},
};

static int resume_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body =
        json_pack("{s:I}", "timeout", (json_int_t)option_number(in, "timeout"));
    if (option_bool(in, "drop-memory"))
        json_object_set_new(body, "memory", json_false());
    if (!handle_ask(in->client, "POST", in->args[0], "/connect", body, &response, err))
        return -1;
    printf("Sandbox %s has been resumed\n", in->args[0]);
    return EXIT_OK;
}

const struct command command_sandbox_resume = {
    .name = "resume",
    .aliases = {"rs"},
    .summary = "resume a paused sandbox",
    .arguments = "<sandboxID>",
    .complete = "sandbox",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = resume_options,
    .examples = (const char *const[]){"e2b sandbox resume i1234567890abcdefghij --timeout 1h",
                                      "for another hour", NULL},
    .handler = resume_run,
};

/* ---- timeout ---- */

static int timeout_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    int64_t seconds;
    if (!clock_parse_duration(in->args[1], &seconds, err)) {
        err->kind = ERR_USAGE;
        return -1;
    }
    cleanup_json json_t *body = json_pack("{s:I}", "timeout", (json_int_t)seconds);
    if (!handle_ask(in->client, "POST", in->args[0], "/timeout", body, &response, err))
        return -1;
    printf("Sandbox %s ends in %lld seconds\n", in->args[0], (long long)seconds);
    return EXIT_OK;
}

const struct command command_sandbox_timeout = {
    .name = "timeout",
    .summary = "set how long a sandbox lives from now on",
    .description = "0 ends it now, or pauses it if that is what its end means.",
    .arguments = "<sandboxID> <duration>",
    .complete = "sandbox",
    .min_args = 2,
    .max_args = 2,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b sandbox timeout i1234567890abcdefghij 30m",
                                      "half an hour more", NULL},
    .handler = timeout_run,
};
