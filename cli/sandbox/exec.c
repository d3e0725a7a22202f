/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox exec`: a command in a sandbox that runs already.
 */
#include "cli/sandbox/handle.h"
#include "cli/sandbox/process.h"
#include "cli/sandbox/sandbox.h"
#include "cli/sandbox/verdict.h"

#include <errno.h>

static const struct option_spec options[] = {
    {.name = "background",
     .letter = 'b',
     .type = OPTION_BOOL,
     .help = "do not wait for it: print its process id on standard error"},
    PROCESS_OPTIONS,
    {.name = "tty", .letter = 't', .type = OPTION_BOOL, .help = "give it a terminal"},
    {.name = "interactive",
     .letter = 'i',
     .type = OPTION_BOOL,
     .help = "pass standard input on, also when it is neither a pipe nor a file"},
    {0},
};

/* Sandboxes before 0.5.2 cannot be told that the input ended: a command that reads it would hang.
 */
static bool takes_input(const struct handle *handle) {
    if (handle_at_least(handle, 0, 5, 2))
        return true;
    fputs("e2b: Warning: Piped stdin is not supported by this sandbox version.\n"
          "e2b: Rebuild your template to pick up the latest sandbox version.\n"
          "e2b: Ignoring piped stdin.\n",
          stderr);
    return false;
}

static bool wants_input(const struct invocation *in, const struct handle *handle) {
    bool tty = option_bool(in, "tty");
    if (tty || option_bool(in, "interactive"))
        return tty || takes_input(handle);
    return attach_has_input() && takes_input(handle);
}

static int exec_run(struct invocation *in, struct error *err) {
    cleanup_handle struct handle handle = {0};
    bool tty = option_bool(in, "tty");
    cleanup_json json_t *process =
        process_describe(in, in->args + 1, in->arg_count - 1, PROCESS_SHELL, tty);
    struct attach_end end;
    if (!process)
        return error_set(err, ERR_INVALID, "the command is not valid UTF-8") - 1;
    if (!handle_connect(in->client, in->args[0], &handle, err))
        return -1;
    struct attach attach = {
        .client = in->client,
        .sandbox = &handle.address,
        .user = option_string(in, "user"),
        .process = process,
        .tty = tty,
        .input = wants_input(in, &handle),
        .background = option_bool(in, "background"),
    };
    if (!attach_run(&attach, &end, err))
        return -1;
    if (!attach.background)
        return verdict_official(&end);
    fprintf(stderr, "%lld\n", (long long)end.pid);
    return EXIT_OK;
}

const struct command command_sandbox_exec = {
    .name = "exec",
    .aliases = {"ex"},
    .summary = "execute a command in a running sandbox",
    .description =
        "Standard input is passed on when it is a pipe, a file or a socket. One word is shell "
        "text; "
        "several are passed as they are. The exit status is that of the command, 255 if a signal "
        "ended it. Ctrl-C sends SIGTERM, a second one SIGKILL; with --tty it is a key like any "
        "other. Options stand before the sandbox.",
    .arguments = "<sandboxID> [--] <command...>",
    .complete = "sandbox",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START | COMMAND_REST,
    .options = options,
    .examples = (const char *const[]){"e2b sandbox exec i1234567890abcdefghij -- ls -la /home/user",
                                      "run a command",
                                      "tar c src | e2b sandbox exec i1234567890abcdefghij tar x",
                                      "copy files into the sandbox", NULL},
    .handler = exec_run,
};
