/* SPDX-License-Identifier: Apache-2.0
 *
 * The noun's table, and calls to the backend that may not run.
 */
#include "cli/local/local.h"

#include "cli/context.h"
#include "cli/root.h"

bool local_call(struct client *client, const char *method, const char *path, json_t **json,
                struct error *err) {
    cleanup_response struct response response = {0};
    if (!client_call(client, method, path, NULL, &response, err))
        return false;
    if (json)
        *json = steal_ptr(&response.json);
    return true;
}

struct client *local_running(const struct invocation *in, struct error *err) {
    struct client *client = client_open(&in->context->target, false, err);
    if (!client && err->kind == ERR_UNAVAILABLE)
        *err = (struct error)ERROR_INIT;
    return client;
}

void local_close(struct client **client) {
    client_close(*client);
}

static const struct command *const children[] = {
    &command_local_start,  &command_local_stop,
    &command_local_status, &command_local_env,
    &command_local_logs,   &command_local_gc,
    &command_local_export, &command_local_import,
    &command_local_reset,  NULL,
};

const struct command command_local = {
    .name = "local",
    .summary = "the backend on this machine",
    .description = "The first command that needs the backend starts it, and it leaves by itself "
                   "some time after the last sandbox. These commands are for when you want it to "
                   "stay, to go, or to be used by other programs.",
    .children = children,
    .examples = (const char *const[]){"e2b local status", "does it run, and where",
                                      "eval \"$(e2b local env)\"",
                                      "let programs with an E2B SDK use it", NULL},
};
