/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox list`.
 */
#include "cli/output.h"
#include "cli/sandbox/listing.h"
#include "cli/sandbox/sandbox.h"
#include "cli/sandbox/view.h"
#include "cli/table.h"
#include "client/client.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"

#include <errno.h>
#include <string.h>

static const char *const orders[] = {"asc", "desc", NULL};

static const struct option_spec options[] = {
    LISTING_OPTIONS,
    {.name = "template",
     .letter = 't',
     .type = OPTION_STRING,
     .value = "template",
     .help = "only those of this template"},
    {.name = "started-after",
     .type = OPTION_STRING,
     .value = "date",
     .help = "only those started then or later: an ISO 8601 time"},
    {.name = "order",
     .letter = 'o',
     .type = OPTION_CHOICE,
     .value = "order",
     .choices = orders,
     .help = "which to list first, by start: the oldest (asc) or the newest (desc)"},
    {.name = "limit",
     .letter = 'l',
     .type = OPTION_INTEGER,
     .value = "limit",
     .fallback = "1000",
     .max = INT32_MAX,
     .help = "list at most this many; 0: all"},
    {.name = "quiet", .letter = 'q', .type = OPTION_BOOL, .help = "print only the ids"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

/* One more part of the query; an absent value adds nothing. */
static bool add(struct buf *query, const char *name, const char *value) {
    cleanup_free char *encoded = value ? client_encode(value) : NULL;
    return !value || (encoded && buf_printf(query, "&%s=%s", name, encoded));
}

static bool read_date(const char *text, char iso[static CLOCK_TEXT], struct error *err) {
    int64_t ms;
    struct error why;
    if (clock_parse(text, &ms, &why)) {
        clock_format(ms, iso);
        return true;
    }
    error_set(err, ERR_USAGE, "option '--started-after <date>' argument '%s' is invalid", text);
    return error_hint(err, "an ISO 8601 timestamp is expected, e.g. 2025-01-01T00:00:00Z");
}

static bool start(const struct invocation *in, struct listing *listing, struct error *err) {
    cleanup_buf struct buf extra = BUF_INIT(64 << 10);
    const char *after = option_string(in, "started-after");
    char iso[CLOCK_TEXT];
    if (after && !read_date(after, iso, err))
        return false;
    if (!add(&extra, "template", option_string(in, "template")) ||
        !add(&extra, "startedAfter", after ? iso : NULL) ||
        !add(&extra, "order", option_string(in, "order")))
        return error_set(err, ERR_TOO_LARGE, "the question is too long");
    return listing_start(in, extra.data, listing, err);
}

/* All that is wanted, in one array; *more tells whether the limit cut some off. */
static json_t *collect(const struct invocation *in, bool *more, struct error *err) {
    cleanup_listing struct listing listing = {0};
    int64_t limit = option_number(in, "limit");
    cleanup_json json_t *all = json_array();
    if (!start(in, &listing, err))
        return NULL;
    while (listing.more) {
        int64_t left = limit ? limit - (int64_t)json_array_size(all) : LISTING_PAGE;
        if (left <= 0)
            break;
        cleanup_json json_t *page = listing_next(in->client, &listing, left, err);
        if (!page)
            return NULL;
        if (!json_array_size(page))
            listing.more = false;
        json_array_extend(all, page);
    }
    *more = listing.more;
    return steal_ptr(&all);
}

static const char *text_of(const json_t *sandbox, const char *key) {
    const json_t *value = json_object_get(sandbox, key);
    return json_is_string(value) ? json_string_value(value) : "";
}

static int by_start(const void *a, const void *b) {
    const json_t *const *x = a, *const *y = b;
    int order = strcmp(text_of(*x, "startedAt"), text_of(*y, "startedAt"));
    return order ? order : strcmp(text_of(*x, "sandboxID"), text_of(*y, "sandboxID"));
}

/* The server gives the newest first; people read the oldest first unless they ask otherwise. */
static bool sort(json_t *all, struct error *err) {
    size_t count = json_array_size(all);
    cleanup_free json_t **rows = calloc(count + 1, sizeof(*rows));
    if (!rows)
        return error_errno(err, ENOMEM, "cannot sort");
    for (size_t i = 0; i < count; i++)
        rows[i] = json_incref(json_array_get(all, i));
    qsort(rows, count, sizeof(*rows), by_start);
    for (size_t i = 0; i < count; i++)
        json_array_set_new(all, i, rows[i]);
    return true;
}

static void add_row(struct table *table, const json_t *sandbox) {
    char started[VIEW_TEXT], end[VIEW_TEXT], state[VIEW_TEXT], cpus[VIEW_TEXT], memory[VIEW_TEXT];
    const json_t *metadata = json_object_get(sandbox, "metadata");
    cleanup_free char *labels =
        json_dumps(json_is_object(metadata) ? metadata : NULL, JSON_COMPACT);
    snprintf(cpus, sizeof(cpus), "%lld",
             (long long)json_integer_value(json_object_get(sandbox, "cpuCount")));
    snprintf(memory, sizeof(memory), "%lld",
             (long long)json_integer_value(json_object_get(sandbox, "memoryMB")));
    const char *const cells[] = {
        text_of(sandbox, "sandboxID"),
        text_of(sandbox, "templateID"),
        text_of(sandbox, "alias"),
        view_time(text_of(sandbox, "startedAt"), started),
        view_time(text_of(sandbox, "endAt"), end),
        view_state(text_of(sandbox, "state"), state),
        cpus,
        memory,
        text_of(sandbox, "envdVersion"),
        labels ? labels : "{}",
    };
    table_add(table, cells);
}

static void print_table(const json_t *all, bool more) {
    static const char *const headers[] = {"SANDBOX ID",   "TEMPLATE ID", "ALIAS", "STARTED AT",
                                          "END AT",       "STATE",       "VCPUS", "RAM MIB",
                                          "ENVD VERSION", "METADATA"};
    cleanup_table struct table table;
    size_t count = json_array_size(all);
    table_init(&table, headers, ARRAY_LEN(headers));
    for (size_t i = 0; i < count; i++)
        add_row(&table, json_array_get(all, i));
    if (count)
        table_print(&table, stdout);
    else
        puts("No sandboxes found");
    if (more)
        printf("Showing first %zu sandboxes. Use --limit to change.\n", count);
}

static void print_json(const json_t *all) {
    cleanup_json json_t *views = json_array();
    for (size_t i = 0; i < json_array_size(all); i++)
        json_array_append_new(views, view_json(json_array_get(all, i)));
    output_json(stdout, views);
}

static void print_ids(const json_t *all) {
    for (size_t i = 0; i < json_array_size(all); i++) {
        output_safe(stdout, text_of(json_array_get(all, i), "sandboxID"), "");
        putchar('\n');
    }
}

static int list_run(struct invocation *in, struct error *err) {
    const char *order = option_string(in, "order");
    bool more = false;
    cleanup_json json_t *all = collect(in, &more, err);
    if (!all || ((!order || strcmp(order, "asc") == 0) && !sort(all, err)))
        return -1;
    if (option_bool(in, "quiet"))
        print_ids(all);
    else if (output_wants_json(in))
        print_json(all);
    else
        print_table(all, more);
    return EXIT_OK;
}

const struct command command_sandbox_list = {
    .name = "list",
    .aliases = {"ls"},
    .summary = "list running sandboxes",
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b sandbox list --metadata app=web,stage=test",
                                      "those with both labels",
                                      "e2b sandbox list --state running,paused --format json",
                                      "all, as JSON", NULL},
    .handler = list_run,
};
