/* SPDX-License-Identifier: Apache-2.0
 *
 * `local status`.
 */
#include "cli/fields.h"
#include "cli/limits.h"
#include "cli/local/local.h"
#include "cli/output.h"
#include "common/json.h"

static const struct option_spec options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

static const struct field fields[] = {
    {"running", "Running", NULL},
    {"pid", "Process", NULL},
    {"version", "Version", NULL},
    {"socket", "Socket", NULL},
    {"url", "URL", NULL},
    {"stateDir", "State", NULL},
    {"uptimeSeconds", "Uptime s", NULL},
    {"stays", "Stays when idle", NULL},
    {"sandboxes", "Sandboxes", NULL},
    {"limits", NULL, NULL},
    {0},
};

static int status_run(struct invocation *in, struct error *err) {
    cleanup_local_client struct client *client = local_running(in, err);
    cleanup_json json_t *status = NULL;
    if (!client && err->kind != ERR_NONE)
        return -1;
    if (client && !local_call(client, "GET", "/local/status", &status, err))
        return -1;
    cleanup_json json_t *all = json_pack("{s:b}", "running", client != NULL);
    json_object_update(all, status);
    if (output_wants_json(in)) {
        output_json(stdout, all);
    } else {
        fields_print(stdout, all, fields);
        limits_print(stdout, "Kept by", json_object_get(all, "limits"));
    }
    return client ? EXIT_OK : EXIT_SERVER;
}

const struct command command_local_status = {
    .name = "status",
    .summary = "does the backend run, where, and what does it do",
    .description = "Does not start it: exits 7 if none runs.",
    .flags = COMMAND_LOCAL,
    .options = options,
    .examples = (const char *const[]){"e2b local status --format json", "as JSON", NULL},
    .handler = status_run,
};
