/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox create`: makes a sandbox and opens a terminal in it, or leaves it alone with --detach.
 */
#include "cli/sandbox/create.h"

#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/sandbox/process.h"
#include "cli/sandbox/sandbox.h"
#include "cli/sandbox/session.h"

#include <errno.h>
#include <string.h>

static const char *const timeout_actions[] = {"pause", "kill", NULL};

static const struct option_spec options[] = {
    {.name = "detach",
     .letter = 'd',
     .type = OPTION_BOOL,
     .help = "do not open a terminal: print the sandbox's id"},
    {.name = "timeout",
     .type = OPTION_DURATION,
     .value = "seconds",
     .fallback = "300",
     .min = CREATE_MIN_TIMEOUT_S,
     .max = INT32_MAX,
     .help = "life of the sandbox; while a terminal is open it is renewed"},
    {.name = "metadata",
     .letter = 'm',
     .type = OPTION_PAIR,
     .help = "keep this with the sandbox; list and kill find it by that"},
    {.name = "volume",
     .type = OPTION_PAIR,
     .value = "name=path",
     .help = "mount that volume there (can be repeated)"},
    {.name = "lifecycle.ontimeout",
     .type = OPTION_CHOICE,
     .value = "action",
     .choices = timeout_actions,
     .help = "what happens when its time is over"},
    {.name = "lifecycle.autoresume",
     .type = OPTION_BOOL,
     .help = "a request resumes it (needs --lifecycle.ontimeout pause)"},
    PROCESS_OPTIONS,
    {.name = "dry-run",
     .type = OPTION_BOOL,
     .help = "only print, as JSON, what the local backend would do"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

json_t *create_body(const char *template, int64_t timeout_s) {
    return json_pack("{s:s, s:I, s:b, s:b}", "templateID", template, "timeout",
                     (json_int_t)timeout_s, "secure", 1, "allow_internet_access", 1);
}

bool create_sandbox(struct client *client, json_t *body, struct handle *handle, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *owned = body;
    if (!owned)
        return error_set(err, ERR_INVALID, "the name of the template is no UTF-8 text");
    interrupt_catch();
    return client_call(client, "POST", "/sandboxes", owned, &response, err) &&
           handle_take(handle, &response, err);
}

static bool add_lifecycle(const struct invocation *in, json_t *body, struct error *err) {
    const char *action = option_string(in, "lifecycle.ontimeout");
    bool pause = action && strcmp(action, "pause") == 0;
    if (action)
        json_object_set_new(body, "autoPause", json_boolean(pause));
    if (!option_bool(in, "lifecycle.autoresume"))
        return true;
    json_object_set_new(body, "autoResume", json_pack("{s:b}", "enabled", 1));
    return pause ||
           error_set(err, ERR_USAGE, "--lifecycle.autoresume requires --lifecycle.ontimeout pause");
}

/* "name=path", as the request has them. */
static void add_volumes(const struct invocation *in, json_t *body) {
    cleanup_json json_t *volumes = resource_pairs(in, "volume");
    const char *name;
    json_t *path, *mounts = volumes ? json_array() : NULL;
    json_object_foreach(volumes, name, path)
        json_array_append_new(mounts, json_pack("{s:s, s:O}", "name", name, "path", path));
    if (mounts)
        json_object_set_new(body, "volumeMounts", mounts);
}

static void add_metadata(const struct invocation *in, json_t *body) {
    json_t *metadata = resource_pairs(in, "metadata");
    if (metadata)
        json_object_set_new(body, "metadata", metadata);
}

static int dry_run(struct invocation *in, const json_t *body, struct error *err) {
    cleanup_response struct response response = {0};
    if (!client_call(in->client, "POST", "/v2/sandboxes?dryRun=true", body, &response, err))
        return -1;
    output_json(stdout, response.json);
    return EXIT_OK;
}

static void print_created(const struct invocation *in, const struct handle *handle) {
    static const char *const names[][2] = {
        {"sandboxId", "sandboxID"},
        {"templateId", "templateID"},
        {"name", "alias"},
        {"domain", "domain"},
        {"envdVersion", "envdVersion"},
        {"envdAccessToken", "envdAccessToken"},
    };
    if (!output_wants_json(in)) {
        puts(handle->address.id);
        return;
    }
    cleanup_json json_t *json = json_object();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        json_t *value = json_object_get(handle->json, names[i][1]);
        if (value)
            json_object_set(json, names[i][0], value);
    }
    output_json(stdout, json);
}

/* The sandbox ends a second after its terminal, unless a time was asked for. */
static int attach_terminal(struct invocation *in, const struct handle *handle, const char *template,
                           struct error *err) {
    struct error ignored;
    char where[256];
    int64_t timeout_s = option_number(in, "timeout");
    snprintf(where, sizeof(where), "template %s with sandbox ID", template);
    int status = session_run(in, handle, where, timeout_s, err);
    handle_set_timeout(in->client, handle->address.id, option_given(in, "timeout") ? timeout_s : 1,
                       &ignored);
    return status;
}

/* Nobody has heard of it yet, so nobody else would end it. */
static int take_back(struct invocation *in, const struct handle *handle, struct error *err) {
    bool found;
    return handle_kill(in->client, handle->address.id, &found, err) ? interrupt_status() : -1;
}

static int create_run(struct invocation *in, struct error *err) {
    cleanup_handle struct handle handle = {0};
    const char *template = in->arg_count ? in->args[0] : "base";
    bool alone = option_bool(in, "detach") || option_bool(in, "dry-run");
    if (!alone && !session_possible(err))
        return -1;
    cleanup_json json_t *body = create_body(template, option_number(in, "timeout"));
    if (!body)
        return error_set(err, ERR_USAGE, "the name of the template is no UTF-8 text") - 1;
    if (!add_lifecycle(in, body, err))
        return -1;
    add_metadata(in, body);
    add_volumes(in, body);
    if (option_bool(in, "dry-run"))
        return dry_run(in, body, err);
    if (!create_sandbox(in->client, json_incref(body), &handle, err))
        return -1;
    if (!alone)
        return attach_terminal(in, &handle, template, err);
    if (interrupt_signal())
        return take_back(in, &handle, err);
    print_created(in, &handle);
    return EXIT_OK;
}

const struct command command_sandbox_create = {
    .name = "create",
    .aliases = {"cr"},
    .summary = "create a sandbox and open a terminal in it",
    .arguments = "[template]",
    .complete = "template",
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b sandbox create", "a terminal in a new sandbox",
                                      "e2b sandbox create --detach --timeout 1h --metadata app=web",
                                      "leave it running for an hour",
                                      "e2b sandbox create --volume data=/mnt/data",
                                      "with a volume at /mnt/data", NULL},
    .handler = create_run,
};

static int spawn_run(struct invocation *in, struct error *err) {
    fputs("Warning: The 'spawn' command is deprecated and will be removed in future releases. "
          "Please use 'e2b sandbox create' instead.\n",
          stderr);
    return create_run(in, err);
}

/* The former name of create. */
const struct command command_sandbox_spawn = {
    .name = "spawn",
    .aliases = {"sp"},
    .summary = "create a sandbox (former name)",
    .arguments = "[template]",
    .complete = "template",
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START | COMMAND_HIDDEN,
    .options = options,
    .examples = (const char *const[]){"e2b sandbox spawn", "as `e2b sandbox create`", NULL},
    .handler = spawn_run,
};
