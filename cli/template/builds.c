/* SPDX-License-Identifier: Apache-2.0
 *
 * `template status`, `logs` and `wait`: builds that go on, or are over.
 */
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/template/buildlog.h"
#include "cli/template/follow.h"
#include "cli/template/template.h"
#include "common/clock.h"
#include "common/json.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec status_options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

static const struct option_spec logs_options[] = {
    {.name = "follow", .letter = 'f', .type = OPTION_BOOL, .help = "until the build is over"},
    BUILDLOG_OPTION,
    {0},
};

static const struct option_spec wait_options[] = {
    {.name = "timeout",
     .type = OPTION_DURATION,
     .value = "time",
     .min = 1,
     .max = INT32_MAX,
     .help = "give up after that time, with status 124"},
    {0},
};

struct chosen {
    struct build_follow follow;
    char *template_id, *build_id;
};

static void chosen_free(struct chosen *chosen) {
    free(chosen->template_id);
    free(chosen->build_id);
}
#define cleanup_chosen cleanup(chosen_free)

/* The build that was named, or the newest of the template. */
static bool choose(const struct invocation *in, struct chosen *chosen, struct error *err) {
    chosen->template_id = build_template_id(in->client, in->args[0], err);
    if (!chosen->template_id)
        return false;
    chosen->build_id = in->arg_count > 1 ? strdup(in->args[1])
                                         : build_newest(in->client, chosen->template_id, err);
    chosen->follow.client = in->client;
    chosen->follow.template_id = chosen->template_id;
    chosen->follow.build_id = chosen->build_id;
    return chosen->build_id;
}

static int status_run(struct invocation *in, struct error *err) {
    cleanup_chosen struct chosen chosen = {0};
    bool more;
    if (!choose(in, &chosen, err) || !build_follow_page(&chosen.follow, &more, err))
        return -1;
    const struct build_follow *follow = &chosen.follow;
    const char *reason = follow->reason[0] ? follow->reason : NULL;
    if (output_wants_json(in)) {
        cleanup_json json_t *json =
            json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "templateID", follow->template_id, "buildID",
                      follow->build_id, "status", follow->status, "reason", reason, "step",
                      follow->step[0] ? follow->step : NULL);
        output_json(stdout, json);
        return EXIT_OK;
    }
    printf("%s", follow->status);
    if (reason) {
        fputs(": ", stdout);
        output_safe(stdout, reason, "");
    }
    putchar('\n');
    return EXIT_OK;
}

static int ended(const struct build_follow *follow, struct error *err) {
    if (interrupt_signal())
        return interrupt_status();
    return err->kind == ERR_NONE && build_follow_verdict(follow, err) ? EXIT_OK : -1;
}

static int logs_run(struct invocation *in, struct error *err) {
    cleanup_chosen struct chosen chosen = {0};
    struct buildlog log;
    bool more = true;
    interrupt_catch();
    buildlog_start(&log, in);
    if (!choose(in, &chosen, err))
        return -1;
    chosen.follow.log = &log;
    if (option_bool(in, "follow")) {
        build_follow_run(&chosen.follow, err);
        return ended(&chosen.follow, err);
    }
    while (more && !interrupt_signal())
        if (!build_follow_page(&chosen.follow, &more, err))
            return -1;
    return EXIT_OK;
}

static int wait_run(struct invocation *in, struct error *err) {
    cleanup_chosen struct chosen chosen = {0};
    int64_t seconds = option_number(in, "timeout");
    interrupt_catch();
    if (!choose(in, &chosen, err))
        return -1;
    chosen.follow.deadline_ms = seconds ? clock_mono_ms() + seconds * 1000 : 0;
    build_follow_run(&chosen.follow, err);
    return ended(&chosen.follow, err);
}

#define BUILD_ARGUMENTS                                                                            \
    .arguments = "<template> [buildID]", .complete = "template", .min_args = 1, .max_args = 2,     \
    .flags = COMMAND_API | COMMAND_MAY_START

const struct command command_template_status = {
    .name = "status",
    .summary = "tell how a build is doing: waiting, building, ready or error",
    .description = "Of the newest build unless another one is named.",
    BUILD_ARGUMENTS,
    .options = status_options,
    .examples =
        (const char *const[]){"e2b template status my-template", "of the newest build", NULL},
    .handler = status_run,
};

const struct command command_template_logs = {
    .name = "logs",
    .aliases = {"lg"},
    .summary = "print what a build said",
    .description = "With --follow until it is over; then the status tells if it failed.",
    BUILD_ARGUMENTS,
    .options = logs_options,
    .examples = (const char *const[]){"e2b template logs -f my-template", "watch a build", NULL},
    .handler = logs_run,
};

const struct command command_template_wait = {
    .name = "wait",
    .summary = "wait until a build is over",
    .description = "The status tells if it failed.",
    BUILD_ARGUMENTS,
    .options = wait_options,
    .examples = (const char *const[]){"e2b template wait my-template --timeout 10m",
                                      "at most ten minutes", NULL},
    .handler = wait_run,
};
