/* SPDX-License-Identifier: Apache-2.0
 *
 * `e2b secret`: the noun's table, and what needs no file of its own.
 */
#include "cli/secret/secret.h"

#include "cli/output.h"
#include "cli/resource.h"
#include "cli/root.h"
#include "cli/sandbox/view.h"

static const struct option_spec options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

static const char *const examples[] = {"e2b secret set openai-key <key.txt", "keep a value",
                                       "e2b secret list", "which there are; no value is ever shown",
                                       NULL};

static int list_run(struct invocation *in, struct error *err) {
    static const struct resource_column columns[] = {
        {"SECRET ID", "secretID", NULL},
        {"NAME", "name", NULL},
        {"VERSION", "currentVersion", NULL},
        {"CREATED AT", "createdAt", view_time},
        {"UPDATED AT", "updatedAt", view_time},
        {"METADATA", "metadata", NULL},
        {0},
    };
    cleanup_json json_t *secrets = resource_list(in->client, SECRETS_PATH, err);
    if (!secrets)
        return -1;
    resource_print(in, secrets, columns, "No secrets found");
    return EXIT_OK;
}

static const struct command command_list = {
    .name = "list",
    .aliases = {"ls"},
    .summary = "list the secrets, without their values",
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b secret list", "which there are", NULL},
    .handler = list_run,
};

static int info_run(struct invocation *in, struct error *err) {
    static const struct field fields[] = {
        {"secretID", "Secret ID", NULL},
        {"name", "Name", NULL},
        {"currentVersion", "Version", NULL},
        {"createdAt", "Created at", view_time},
        {"updatedAt", "Updated at", view_time},
        {"metadata", "Metadata", NULL},
        {0},
    };
    return resource_info(in, SECRETS_PATH, fields, err);
}

static const struct command command_info = {
    .name = "info",
    .aliases = {"in"},
    .summary = "show what is known about a secret, without its value",
    .arguments = "<secret>",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b secret info openai-key", "one of them", NULL},
    .handler = info_run,
};

static int delete_run(struct invocation *in, struct error *err) {
    return resource_delete(in, SECRETS_PATH, NULL, "Secret", "deleted", err);
}

static const struct command command_delete = {
    .name = "delete",
    .aliases = {"dl"},
    .summary = "delete secrets",
    .arguments = "<secrets...>",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b secret delete openai-key", "remove one", NULL},
    .handler = delete_run,
};

static const struct command *const children[] = {&command_secret_set, &command_list, &command_info,
                                                 &command_delete, NULL};

const struct command command_secret = {
    .name = "secret",
    .summary = "work with secrets",
    .description = "Named by their id or their name. The local backend keeps the values encrypted, "
                   "with a key in a file beside its state.",
    .children = children,
    .examples = examples,
};
