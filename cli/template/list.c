/* SPDX-License-Identifier: Apache-2.0
 *
 * `template list` and `template info`.
 */
#include "cli/fields.h"
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/sandbox/view.h"
#include "cli/table.h"
#include "cli/template/follow.h"
#include "cli/template/listing.h"
#include "cli/template/template.h"
#include "common/clock.h"
#include "common/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct option_spec list_options[] = {
    TEMPLATE_TEAM_OPTIONS,
    OUTPUT_FORMAT_OPTION,
    {0},
};

static const struct option_spec info_options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

/* ---- list -------------------------------------------------------------------------------------
 */

/* "1/2/2026" in the local time zone. */
static const char *view_date(const char *rfc3339, char text[static VIEW_TEXT]) {
    struct error ignored = ERROR_INIT;
    struct tm local;
    int64_t ms;
    if (!clock_parse(rfc3339, &ms, &ignored))
        return rfc3339;
    time_t seconds = (time_t)(ms / 1000);
    return localtime_r(&seconds, &local) && strftime(text, VIEW_TEXT, "%-m/%-d/%Y", &local)
               ? text
               : rfc3339;
}

static const char *text_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static const char *number_at(const json_t *object, const char *key, char text[static VIEW_TEXT]) {
    snprintf(text, VIEW_TEXT, "%lld", (long long)json_integer_value(json_object_get(object, key)));
    return text;
}

static void add_row(struct table *table, const json_t *template) {
    char cpus[VIEW_TEXT], memory[VIEW_TEXT], disk[VIEW_TEXT], created[VIEW_TEXT];
    cleanup_free char *names = listing_names(template);
    const char *const cells[] = {
        json_is_true(json_object_get(template, "public")) ? "Public" : "Private",
        text_at(template, "templateID"),
        names,
        number_at(template, "cpuCount", cpus),
        number_at(template, "memoryMB", memory),
        text_at(json_object_get(template, "createdBy"), "email"),
        view_date(text_at(template, "createdAt"), created),
        number_at(template, "diskSizeMB", disk),
        text_at(template, "envdVersion"),
    };
    table_add(table, cells);
}

static void print_table(const json_t *all) {
    static const char *const headers[] = {"ACCESS",     "TEMPLATE ID",   "TEMPLATE NAME",
                                          "VCPUS",      "RAM MIB",       "CREATED BY",
                                          "CREATED AT", "DISK SIZE MIB", "ENVD VERSION"};
    cleanup_table struct table table = {0};
    putchar('\n'); /* the official command line begins so */
    if (!json_array_size(all)) {
        puts("No templates found.");
        return;
    }
    table_init(&table, headers, ARRAY_LEN(headers));
    for (size_t i = 0; i < json_array_size(all); i++)
        add_row(&table, json_array_get(all, i));
    table_print(&table, stdout);
    putchar('\n');
}

static int list_run(struct invocation *in, struct error *err) {
    cleanup_json json_t *all = listing_templates(in, err);
    if (!all)
        return -1;
    if (output_wants_json(in))
        output_json(stdout, all);
    else
        print_table(all);
    return EXIT_OK;
}

const struct command command_template_list = {
    .name = "list",
    .aliases = {"ls"},
    .summary = "list templates",
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = list_options,
    .examples = (const char *const[]){"e2b template list --format json",
                                      "all of them, as the server says", NULL},
    .handler = list_run,
};

/* ---- info -------------------------------------------------------------------------------------
 */

static void print_info(const json_t *template) {
    static const struct field fields[] = {
        {"templateID", "Template ID", NULL},
        {"names", "Names", NULL},
        {"aliases", NULL, NULL},
        {"public", "Public", NULL},
        {"createdAt", "Created at", view_time},
        {"updatedAt", "Updated at", view_time},
        {"lastSpawnedAt", "Last used", view_time},
        {"spawnCount", "Sandboxes made", NULL},
        {"builds", NULL, NULL},
        {0},
    };
    static const struct resource_column columns[] = {
        {"BUILD ID", "buildID", NULL},
        {"STATUS", "status", NULL},
        {"CREATED AT", "createdAt", view_time},
        {"FINISHED AT", "finishedAt", view_time},
        {"VCPUS", "cpuCount", NULL},
        {"RAM MIB", "memoryMB", NULL},
        {"DISK MIB", "diskSizeMB", NULL},
        {0},
    };
    fields_print(stdout, template, fields);
    putchar('\n');
    resource_table(json_object_get(template, "builds"), columns, "No builds");
}

static int info_run(struct invocation *in, struct error *err) {
    cleanup_free char *id = build_template_id(in->client, in->args[0], err);
    cleanup_response struct response response = {0};
    if (!id)
        return -1;
    if (!resource_call(in->client, "GET", "/templates", id, "", NULL, &response, err)) {
        if (err->http_status == 404)
            error_set(err, ERR_NOT_FOUND, "Template %s wasn't found", in->args[0]);
        return -1;
    }
    if (output_wants_json(in))
        output_json(stdout, response.json);
    else
        print_info(response.json);
    return EXIT_OK;
}

const struct command command_template_info = {
    .name = "info",
    .aliases = {"in"},
    .summary = "show what is known about a template and its builds",
    .arguments = "<template>",
    .complete = "template",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = info_options,
    .examples =
        (const char *const[]){"e2b template info my-template", "its builds, newest first", NULL},
    .handler = info_run,
};
