/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox info`: all that the server says of one sandbox.
 */
#include "cli/fields.h"
#include "cli/limits.h"
#include "cli/output.h"
#include "cli/sandbox/handle.h"
#include "cli/sandbox/sandbox.h"
#include "cli/sandbox/view.h"

#include <string.h>

static const struct option_spec options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

/* The token opens the sandbox: it is for programs that ask the API, not for a screen. */
static const struct field fields[] = {
    {"sandboxID", "Sandbox ID", NULL},
    {"templateID", "Template ID", NULL},
    {"alias", "Alias", NULL},
    {"state", "State", NULL},
    {"startedAt", "Started at", view_time},
    {"endAt", "End at", view_time},
    {"cpuCount", "vCPUs", NULL},
    {"memoryMB", "RAM MiB", NULL},
    {"diskSizeMB", "Disk MiB", NULL},
    {"envdVersion", "Envd version", NULL},
    {"allowInternetAccess", "Internet access", NULL},
    {"lifecycle", "Lifecycle", NULL},
    {"network", "Network", NULL},
    {"domain", "Sandbox domain", NULL},
    {"metadata", "Metadata", NULL},
    {"local", NULL, NULL},
    {"clientID", NULL, NULL},
    {"envdAccessToken", NULL, NULL},
    {0},
};

/* And what that is worth. */
static const char *view_kept(const char *kept, char text[static FIELD_TEXT]) {
    (void)text;
    return strcmp(kept, "memory") == 0
               ? "memory; after a restart of the machine it starts anew from its files"
               : kept;
}

/* What the local backend alone has to say. */
static const struct field local_fields[] = {
    {"frozenReason", "Stands still", NULL},
    {"kept", "Kept while paused", view_kept},
    {"limits", NULL, NULL},
    {0},
};

static void print_local(const json_t *local) {
    fields_print(stdout, local, local_fields);
    limits_print(stdout, "Limits", json_object_get(local, "limits"));
}

/* The object of the list, and what only this answer has. */
static void print_json(const json_t *sandbox) {
    static const char *const more[] = {"diskSizeMB", "domain",    "allowInternetAccess",
                                       "network",    "lifecycle", "local"};
    cleanup_json json_t *view = view_json(sandbox);
    const char *key;
    json_t *value;
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        value = json_object_get(sandbox, more[i]);
        if (value)
            json_object_set(view, more[i], value);
    }
    json_object_foreach((json_t *)(uintptr_t)sandbox, key, value) {
        if (!fields_know(fields, key))
            json_object_set(view, key, value);
    }
    output_json(stdout, view);
}

static int info_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    if (!handle_ask(in->client, "GET", in->args[0], "", NULL, &response, err))
        return -1;
    if (output_wants_json(in)) {
        print_json(response.json);
        return EXIT_OK;
    }
    printf("\nSandbox info for %s:\n", in->args[0]);
    fields_print(stdout, response.json, fields);
    print_local(json_object_get(response.json, "local"));
    return EXIT_OK;
}

const struct command command_sandbox_info = {
    .name = "info",
    .aliases = {"in"},
    .summary = "show what is known about a sandbox",
    .arguments = "<sandboxID>",
    .complete = "sandbox",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b sandbox info i1234567890abcdefghij --format json",
                                      "as JSON", NULL},
    .handler = info_run,
};
