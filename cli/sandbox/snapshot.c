/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox snapshot`: the noun's table and its three verbs.
 */
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/sandbox/handle.h"
#include "cli/sandbox/sandbox.h"
#include "cli/table.h"
#include "common/buf.h"

#include <string.h>

enum { PAGE = 100, MAX_PATH = 64 << 10 };

/* ---- create ---- */

static const struct option_spec create_options[] = {
    {.name = "name",
     .letter = 'n',
     .type = OPTION_STRING,
     .value = "name",
     .help = "call it so: [namespace/]alias[:tag]"},
    {0},
};

static int create_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = json_object();
    const char *name = option_string(in, "name"), *id = NULL;
    if (name)
        json_object_set_new(body, "name", json_string(name));
    if (!handle_ask(in->client, "POST", in->args[0], "/snapshots", body, &response, err) ||
        !json_get_string(response.json, "snapshotID", &id, err))
        return -1;
    printf("Created snapshot %s from sandbox %s\n", id ? id : "", in->args[0]);
    return EXIT_OK;
}

static const struct command command_create = {
    .name = "create",
    .aliases = {"cr"},
    .summary = "create a snapshot from a sandbox",
    .description =
        "A snapshot is a template. The local backend keeps the files as they were at one "
        "instant; what is made of it starts anew, without the processes.",
    .arguments = "<sandboxID>",
    .complete = "sandbox",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = create_options,
    .examples =
        (const char *const[]){"e2b sandbox snapshot create i1234567890abcdefghij --name ready",
                              "keep its files", NULL},
    .handler = create_run,
};

/* ---- list ---- */

static const struct option_spec list_options[] = {
    {.name = "name",
     .letter = 'n',
     .type = OPTION_STRING,
     .value = "name",
     .help = "only those with this name"},
    {.name = "limit",
     .letter = 'l',
     .type = OPTION_INTEGER,
     .value = "count",
     .fallback = "1000",
     .max = INT32_MAX,
     .help = "how many at most; 0: all"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

static bool add_filter(struct buf *path, const char *name, const char *value) {
    cleanup_free char *encoded = value ? client_encode(value) : NULL;
    return !value || (encoded && buf_printf(path, "&%s=%s", name, encoded));
}

static bool add_page(struct invocation *in, char **token, int64_t limit, json_t *all,
                     struct error *err) {
    cleanup_buf struct buf path = BUF_INIT(MAX_PATH);
    cleanup_response struct response response = {0};
    if (!buf_printf(&path, "/snapshots?limit=%lld", (long long)limit) ||
        !add_filter(&path, "sandboxID", in->arg_count ? in->args[0] : NULL) ||
        !add_filter(&path, "name", option_string(in, "name")) ||
        !add_filter(&path, "nextToken", *token))
        return error_set(err, ERR_TOO_LARGE, "the question is too long");
    if (!client_call(in->client, "GET", path.data, NULL, &response, err))
        return false;
    free(*token);
    *token = steal_ptr(&response.next_token);
    return json_array_extend(all, response.json) == 0 ||
           error_set(err, ERR_INTERNAL, "the server's answer is no list of snapshots");
}

/* As the official command line names the fields. */
static json_t *view(const json_t *snapshots) {
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(snapshots); i++) {
        const json_t *at = json_array_get(snapshots, i);
        json_array_append_new(list, json_pack("{s:O, s:O}", "snapshotId",
                                              json_object_get(at, "snapshotID"), "names",
                                              json_object_get(at, "names")));
    }
    return list;
}

/* "a, b"; the caller's. NULL: no room. */
static char *join(const json_t *names) {
    cleanup_buf struct buf text = BUF_INIT(MAX_PATH);
    bool fits = buf_puts(&text, "");
    for (size_t i = 0; fits && i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        fits = buf_printf(&text, "%s%s", i ? ", " : "", name ? name : "");
    }
    return fits ? buf_steal(&text) : NULL;
}

static void print(const json_t *snapshots) {
    static const char *const headers[] = {"SNAPSHOT ID", "NAMES"};
    cleanup_table struct table table = {0};
    table_init(&table, headers, ARRAY_LEN(headers));
    for (size_t i = 0; i < json_array_size(snapshots); i++) {
        const json_t *at = json_array_get(snapshots, i);
        cleanup_free char *names = join(json_object_get(at, "names"));
        const char *const cells[] = {json_string_value(json_object_get(at, "snapshotID")), names};
        table_add(&table, cells);
    }
    table_print(&table, stdout);
}

static int list_run(struct invocation *in, struct error *err) {
    cleanup_json json_t *all = json_array();
    cleanup_free char *token = NULL;
    const int64_t limit = option_number(in, "limit");
    do {
        int64_t left = limit ? limit - (int64_t)json_array_size(all) : PAGE;
        if (!add_page(in, &token, MIN(left, (int64_t)PAGE), all, err))
            return -1;
    } while (token && (!limit || (int64_t)json_array_size(all) < limit));
    cleanup_json json_t *list = view(all);
    if (output_wants_json(in))
        output_json(stdout, list);
    else if (json_array_size(all))
        print(all);
    else
        puts("No snapshots found");
    return EXIT_OK;
}

static const struct command command_list = {
    .name = "list",
    .aliases = {"ls"},
    .summary = "list snapshots",
    .arguments = "[sandboxID]",
    .complete = "sandbox",
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = list_options,
    .examples = (const char *const[]){"e2b sandbox snapshot list", "all of them", NULL},
    .handler = list_run,
};

/* ---- delete ---- */

static int delete_run(struct invocation *in, struct error *err) {
    return resource_delete(in, "/templates", NULL, "Snapshot", "deleted", err);
}

static const struct command command_delete = {
    .name = "delete",
    .aliases = {"dl"},
    .summary = "delete snapshots",
    .description = "Exits 4 if one of them was not there; the others are deleted. One that a "
                   "sandbox is made of cannot be.",
    .arguments = "<snapshotIDs...>",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b sandbox snapshot delete ready:default", "by name", NULL},
    .handler = delete_run,
};

static const struct command *const children[] = {&command_create, &command_list, &command_delete,
                                                 NULL};

const struct command command_sandbox_snapshot = {
    .name = "snapshot",
    .aliases = {"snap"},
    .summary = "work with sandbox snapshots",
    .children = children,
    .examples = (const char *const[]){"e2b sandbox snapshot create i1234567890abcdefghij",
                                      "keep the files of a sandbox", NULL},
};
