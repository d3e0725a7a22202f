/* SPDX-License-Identifier: Apache-2.0
 *
 * The top of the command tree.
 */
#include "cli/root.h"

static const struct option_spec options[] = {
    {.name = "version", .letter = 'V', .type = OPTION_BOOL, .help = "display E2B CLI version"},
    {0},
};

static const struct command *const children[] = {
    &command_sandbox, &command_template,   &command_volume,   &command_secret, &command_team,
    &command_key,     &command_event,      &command_webhook,  &command_health, &command_local,
    &command_doctor,  &command_completion, &command_complete, &command_help,   NULL,
};

const struct command command_root = {
    .name = "e2b",
    .summary = "sandboxes for code that you did not write: on this machine or in the cloud",
    .description = "Without a key, a login or a chosen context, sandboxes run on this machine. "
                   "The backend starts by itself with the first command that needs it.",
    .options = options,
    .children = children,
    .examples =
        (const char *const[]){
            "e2b sandbox run -- uname -a",
            "run one command in a sandbox of its own",
            "e2b help --format json",
            "print the whole command tree as JSON",
            NULL,
        },
};
