/* SPDX-License-Identifier: Apache-2.0
 *
 * `e2b key`: API keys of the team.
 */
#include "cli/fields.h"
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/root.h"
#include "cli/sandbox/view.h"

static const char api_keys[] = "/api-keys";

static const struct option_spec format_options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

static const char *const examples[] = {"e2b key create ci", "make one and print it, this once",
                                       "e2b key list", "which there are, and when they were used",
                                       NULL};

/* ---- list ---- */

/* "e2b_0f…9abc": enough to know a key again. */
static json_t *with_masks(const json_t *keys) {
    json_t *all = json_array();
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        json_t *row = json_copy((json_t *)(uintptr_t)key);
        const char *prefix = "", *head = "", *tail = "";
        json_unpack(json_object_get(key, "mask"), "{s?s, s?s, s?s}", "prefix", &prefix,
                    "maskedValuePrefix", &head, "maskedValueSuffix", &tail);
        json_object_set_new(row, "mask", json_sprintf("%s%s...%s", prefix, head, tail));
        json_array_append_new(all, row);
    }
    return all;
}

static int list_run(struct invocation *in, struct error *err) {
    static const struct resource_column columns[] = {
        {"KEY ID", "id", NULL},
        {"NAME", "name", NULL},
        {"KEY", "mask", NULL},
        {"CREATED AT", "createdAt", view_time},
        {"LAST USED", "lastUsed", view_time},
        {0},
    };
    cleanup_json json_t *keys = resource_list(in->client, api_keys, err);
    cleanup_json json_t *rows = keys ? with_masks(keys) : NULL;
    if (!keys)
        return -1;
    resource_print(in, output_wants_json(in) ? keys : rows, columns, "No keys found");
    return EXIT_OK;
}

static const struct command command_list = {
    .name = "list",
    .aliases = {"ls"},
    .summary = "list the API keys",
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = format_options,
    .examples = (const char *const[]){"e2b key list", "which there are", NULL},
    .handler = list_run,
};

/* ---- create ---- */

static int create_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = json_pack("{s:s}", "name", in->args[0]);
    if (!client_call(in->client, "POST", api_keys, body, &response, err))
        return -1;
    const char *key = json_string_value(json_object_get(response.json, "key"));
    if (!key)
        return error_set(err, ERR_INTERNAL, "the server's answer has no key") - 1;
    if (output_wants_json(in)) {
        output_json(stdout, response.json);
        return EXIT_OK;
    }
    output_safe(stdout, key, "");
    putchar('\n');
    fflush(stdout);
    fputs("It is not shown again.\n", stderr);
    return EXIT_OK;
}

static const struct command command_create = {
    .name = "create",
    .aliases = {"cr"},
    .summary = "make an API key and print it",
    .arguments = "<name>",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = format_options,
    .examples =
        (const char *const[]){"e2b key create ci", "make one and print it, this once", NULL},
    .handler = create_run,
};

/* ---- rename, delete ---- */

static int rename_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = json_pack("{s:s}", "name", in->args[1]);
    if (!resource_call(in->client, "PATCH", api_keys, in->args[0], "", body, &response, err))
        return -1;
    printf("Key %s is called %s\n", in->args[0], in->args[1]);
    return EXIT_OK;
}

static const struct command command_rename = {
    .name = "rename",
    .summary = "give an API key another name",
    .arguments = "<keyID> <name>",
    .min_args = 2,
    .max_args = 2,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b key rename 5f3b0c1e nightly", "call it nightly", NULL},
    .handler = rename_run,
};

static int delete_run(struct invocation *in, struct error *err) {
    return resource_delete(in, api_keys, NULL, "Key", "deleted", err);
}

static const struct command command_delete = {
    .name = "delete",
    .aliases = {"dl"},
    .summary = "delete API keys: nobody gets in with them any more",
    .arguments = "<keyIDs...>",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b key delete 5f3b0c1e", "it opens nothing any more", NULL},
    .handler = delete_run,
};

static const struct command *const children[] = {&command_list, &command_create, &command_rename,
                                                 &command_delete, NULL};

const struct command command_key = {
    .name = "key",
    .summary = "work with API keys",
    .description = "The local backend asks for a key only over TCP. The one that `e2b local env` "
                   "prints is in the list, and cannot be deleted.",
    .children = children,
    .examples = examples,
};
