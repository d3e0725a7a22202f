/* SPDX-License-Identifier: Apache-2.0
 *
 * `e2b volume`: the noun's table, and volumes as a whole.
 */
#include "cli/volume/volume.h"

#include "cli/output.h"
#include "cli/resource.h"
#include "cli/root.h"

static const struct option_spec options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

static const char *const examples[] = {"e2b volume create data", "make one", NULL};

static int list_run(struct invocation *in, struct error *err) {
    static const struct resource_column columns[] = {
        {"VOLUME ID", "volumeID", NULL}, {"NAME", "name", NULL}, {0}};
    cleanup_json json_t *volumes = resource_list(in->client, VOLUMES_PATH, err);
    if (!volumes)
        return -1;
    resource_print(in, volumes, columns, "No volumes found");
    return EXIT_OK;
}

static const struct command command_list = {
    .name = "list",
    .summary = "list the volumes",
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b volume list", "which there are", NULL},
    .handler = list_run,
};

/* The token opens the files: it is for programs that ask the API, not for a screen. */
static void print_one(const struct invocation *in, json_t *volume) {
    static const struct field fields[] = {{"volumeID", "Volume ID", NULL},
                                          {"name", "Name", NULL},
                                          {"domain", "Domain", NULL},
                                          {"token", NULL, NULL},
                                          {0}};
    resource_print_one(in, volume, fields);
}

static int create_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = json_pack("{s:s}", "name", in->args[0]);
    if (!client_call(in->client, "POST", VOLUMES_PATH, body, &response, err))
        return -1;
    print_one(in, response.json);
    return EXIT_OK;
}

static const struct command command_create = {
    .name = "create",
    .aliases = {"cr"},
    .summary = "make a volume",
    .arguments = "<name>",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = examples,
    .handler = create_run,
};

static int info_run(struct invocation *in, struct error *err) {
    cleanup_volume struct volume_handle volume = {0};
    if (!volume_handle_get(in->client, in->args[0], &volume, err))
        return -1;
    print_one(in, volume.json);
    return EXIT_OK;
}

static const struct command command_info = {
    .name = "info",
    .aliases = {"in"},
    .summary = "show what is known about a volume",
    .arguments = "<volume>",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b volume info data", "one of them", NULL},
    .handler = info_run,
};

static int delete_run(struct invocation *in, struct error *err) {
    return resource_delete(in, VOLUMES_PATH, volume_id, "Volume", "deleted", err);
}

static const struct command command_delete = {
    .name = "delete",
    .aliases = {"dl"},
    .summary = "delete volumes with all that is in them",
    .description = "One that a sandbox has mounted is refused (5).",
    .arguments = "<volumes...>",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b volume delete data", "remove one", NULL},
    .handler = delete_run,
};

static const struct command *const children[] = {
    &command_list,      &command_create,    &command_info,
    &command_delete,    &command_volume_ls, &command_volume_cat,
    &command_volume_cp, &command_volume_rm, NULL};

const struct command command_volume = {
    .name = "volume",
    .aliases = {"vol"},
    .summary = "work with volumes: directories that outlive sandboxes",
    .description = "Named by their id or their name.",
    .children = children,
    .examples = examples,
};
