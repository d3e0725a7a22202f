/* SPDX-License-Identifier: Apache-2.0
 *
 * `template tag`: names for builds of a template.
 */
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/sandbox/view.h"
#include "cli/template/follow.h"
#include "cli/template/template.h"
#include "common/json.h"

#include <string.h>

static const struct option_spec options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

static json_t *tags_of(const struct invocation *in) {
    json_t *tags = json_array();
    for (int i = 1; i < in->arg_count; i++)
        json_array_append_new(tags, json_string(in->args[i]));
    return tags;
}

static bool not_found(const struct invocation *in, struct error *err) {
    return err->http_status == 404 &&
           error_set(err, ERR_NOT_FOUND, "Template %s wasn't found", in->args[0]);
}

static int add_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = json_pack("{s:s, s:o}", "target", in->args[0], "tags", tags_of(in));
    if (!client_call(in->client, "POST", "/templates/tags", body, &response, err))
        return not_found(in, err) - 1;
    const char *build = json_string_value(json_object_get(response.json, "buildID"));
    for (int i = 1; i < in->arg_count; i++)
        printf("Tag %s names build %s\n", in->args[i], build ? build : "?");
    return EXIT_OK;
}

static bool has_tag(const json_t *tags, const char *name) {
    json_t *tag;
    size_t i;
    json_array_foreach(tags, i, tag) {
        const char *have = json_string_value(json_object_get(tag, "tag"));
        if (have && strcmp(have, name) == 0)
            return true;
    }
    return false;
}

/* The service does not say that there was nothing to remove. */
static bool check_tags(const struct invocation *in, struct error *err) {
    cleanup_free char *id = build_template_id(in->client, in->args[0], err);
    cleanup_response struct response response = {0};
    if (!id || !resource_call(in->client, "GET", "/templates", id, "/tags", NULL, &response, err)) {
        not_found(in, err);
        return false;
    }
    for (int i = 1; i < in->arg_count; i++)
        if (!has_tag(response.json, in->args[i]))
            return error_set(err, ERR_NOT_FOUND, "Template %s has no tag %s", in->args[0],
                             in->args[i]);
    return true;
}

static int remove_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    if (!check_tags(in, err))
        return -1;
    cleanup_json json_t *body = json_pack("{s:s, s:o}", "name", in->args[0], "tags", tags_of(in));
    if (!client_call(in->client, "DELETE", "/templates/tags", body, &response, err))
        return not_found(in, err) - 1;
    for (int i = 1; i < in->arg_count; i++)
        printf("Tag %s has been removed\n", in->args[i]);
    return EXIT_OK;
}

static int list_run(struct invocation *in, struct error *err) {
    static const struct resource_column columns[] = {
        {"TAG", "tag", NULL},
        {"BUILD ID", "buildID", NULL},
        {"CREATED AT", "createdAt", view_time},
        {0},
    };
    cleanup_free char *id = build_template_id(in->client, in->args[0], err);
    cleanup_response struct response response = {0};
    if (!id || !resource_call(in->client, "GET", "/templates", id, "/tags", NULL, &response, err))
        return not_found(in, err) - 1;
    resource_print(in, response.json, columns, "No tags found");
    return EXIT_OK;
}

static const struct command command_add = {
    .name = "add",
    .summary = "give a build further tags",
    .arguments = "<template[:tag]> <tags...>",
    .complete = "template",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b template tag add my-template:v2 stable",
                                      "stable means what v2 means now", NULL},
    .handler = add_run,
};

static const struct command command_remove = {
    .name = "remove",
    .aliases = {"rm"},
    .summary = "take tags away",
    .arguments = "<template> <tags...>",
    .complete = "template",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b template tag remove my-template stable",
                                      "the tag goes, the build stays", NULL},
    .handler = remove_run,
};

static const struct command command_list = {
    .name = "list",
    .aliases = {"ls"},
    .summary = "list the tags of a template",
    .arguments = "<template>",
    .complete = "template",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b template tag list my-template", "which there are", NULL},
    .handler = list_run,
};

static const struct command *const children[] = {&command_add, &command_remove, &command_list,
                                                 NULL};

const struct command command_template_tag = {
    .name = "tag",
    .summary = "work with the tags of templates",
    .children = children,
    .examples = (const char *const[]){"e2b template tag add my-template:v2 stable",
                                      "stable means what v2 means now", NULL},
};
