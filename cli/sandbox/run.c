/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox run`: a sandbox for one command, gone when the command is.
 */
#include "cli/sandbox/create.h"
#include "cli/sandbox/handle.h"
#include "cli/sandbox/process.h"
#include "cli/sandbox/sandbox.h"
#include "cli/sandbox/verdict.h"

static const struct option_spec options[] = {
    {.name = "tty", .letter = 't', .type = OPTION_BOOL, .help = "give it a terminal"},
    {.name = "interactive",
     .letter = 'i',
     .type = OPTION_BOOL,
     .help = "pass standard input on, also when it is neither a pipe nor a file"},
    PROCESS_OPTIONS,
    {.name = "timeout",
     .type = OPTION_DURATION,
     .value = "seconds",
     .fallback = "300",
     .min = CREATE_MIN_TIMEOUT_S,
     .max = INT32_MAX,
     .help = "how long the sandbox outlives us if we cannot end it"},
    {.name = "keep", .type = OPTION_BOOL, .help = "leave the sandbox running: print its id"},
    {0},
};

/* The words of the command line, told apart. */
struct plan {
    const char *template;
    char **words;
    int count; /* 0: an interactive shell */
};

static bool read_plan(const struct invocation *in, struct plan *plan, struct error *err) {
    int before = in->dash >= 0 ? in->dash : MIN(in->arg_count, 1);
    *plan = (struct plan){.template = before ? in->args[0] : "base",
                          .words = in->args + before,
                          .count = in->arg_count - before};
    if (plan->count || option_bool(in, "tty"))
        return true;
    error_set(err, ERR_USAGE, "missing command to execute");
    return error_hint(err, "write it behind --: e2b sandbox run [template] -- command");
}

static bool attach_to(const struct invocation *in, const struct handle *handle,
                      const struct plan *plan, struct attach_end *end, struct error *err) {
    bool tty = option_bool(in, "tty");
    cleanup_json json_t *process =
        process_describe(in, plan->words, plan->count, PROCESS_DIRECT, tty);
    if (!process)
        return error_set(err, ERR_INVALID, "the command is not valid UTF-8");
    const struct attach attach = {
        .client = in->client,
        .sandbox = &handle->address,
        .user = option_string(in, "user"),
        .process = process,
        .tty = tty,
        .input = tty || option_bool(in, "interactive") || attach_has_input(),
        .renew_s = option_number(in, "timeout"),
    };
    return attach_run(&attach, end, err);
}

/* A sandbox that is gone already is what was wanted. */
static bool clean_up(const struct invocation *in, const struct handle *handle, struct error *err) {
    bool found;
    if (!option_bool(in, "keep"))
        return handle_kill(in->client, handle->address.id, &found, err);
    fprintf(stderr, "%s\n", handle->address.id);
    return true;
}

/* `run uname -a` looks for a template of that name. */
static void hint_at_dashes(const struct invocation *in, const struct plan *plan,
                           struct error *err) {
    if (err->kind == ERR_NOT_FOUND && in->dash < 0 && plan->count)
        error_hint(err, "a command stands behind --: e2b sandbox run -- %s ...", plan->template);
}

static int run_run(struct invocation *in, struct error *err) {
    cleanup_handle struct handle handle = {0};
    struct plan plan;
    struct attach_end end;
    struct error late;
    if (!read_plan(in, &plan, err))
        return -1;
    if (!create_sandbox(in->client, create_body(plan.template, option_number(in, "timeout")),
                        &handle, err)) {
        hint_at_dashes(in, &plan, err);
        return -1;
    }
    bool ok = attach_to(in, &handle, &plan, &end, err);
    bool cleaned = clean_up(in, &handle, ok ? err : &late);
    return ok && cleaned ? verdict_shell(&end) : -1;
}

const struct command command_sandbox_run = {
    .name = "run",
    .summary = "run one command in a sandbox of its own",
    .description =
        "Creates a sandbox, runs the command, and kills the sandbox. Standard input (a pipe, a "
        "file "
        "or a socket), output, errors and signals are those of the command; so is the exit status: "
        "128 + N if signal N ended it. Several words are a program and its arguments, run without "
        "a "
        "shell; one word is shell text for `bash -l`. With --tty and no command it is a shell.",
    .arguments = "[template] [--] [command...]",
    .complete = "template",
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START | COMMAND_REST,
    .options = options,
    .examples = (const char *const[]){"e2b sandbox run -- uname -a", "run a command",
                                      "e2b sandbox run -- 'cd /tmp && make' < Makefile",
                                      "shell text, with input", "e2b sandbox run --tty",
                                      "a shell in a new sandbox", NULL},
    .handler = run_run,
};
