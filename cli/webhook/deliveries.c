/* SPDX-License-Identifier: Apache-2.0
 *
 * `webhook deliveries`, `resend` and `stats`: what a webhook was told, and told again.
 */
#include "cli/output.h"
#include "cli/sandbox/view.h"
#include "cli/table.h"
#include "cli/webhook/webhook.h"
#include "common/buf.h"

#include <stdio.h>
#include <string.h>

enum { MAX_PATH = 8 << 10 };

/* ---- deliveries ---- */

static const char *const statuses[] = {"success", "failed", NULL};

static const struct option_spec deliveries_options[] = {
    {.name = "status",
     .type = OPTION_CHOICE,
     .value = "status",
     .choices = statuses,
     .help = "only attempts that ended so"},
    EVENT_TYPES_OPTION("only of these types of events"),
    {.name = "limit",
     .letter = 'l',
     .type = OPTION_INTEGER,
     .value = "number",
     .min = 1,
     .max = 10000,
     .fallback = "25",
     .help = "of how many events at most, the newest"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

static bool put_query(const struct invocation *in, struct buf *query, struct error *err) {
    const char *status = option_string(in, "status");
    cleanup_json json_t *types = event_types_given(in, "events", err);
    size_t i;
    json_t *type;
    if (!types)
        return false;
    bool ok = buf_puts(query, "/deliveries?") &&
              (!status || buf_printf(query, "deliveryStatus=%s&", status));
    json_array_foreach(types, i, type) {
        cleanup_free char *name = client_encode(json_string_value(type));
        ok = ok && name &&
             buf_printf(query, "%s%s%s", i ? "," : "eventType=", name,
                        i + 1 == json_array_size(types) ? "&" : "");
    }
    return ok || error_set(err, ERR_TOO_LARGE, "the question is too long");
}

/* One page more; *cursor is moved on, NULL at the end. */
static bool add_page(struct invocation *in, const char *query, int64_t left, char **cursor,
                     json_t *all, struct error *err) {
    cleanup_buf struct buf suffix = BUF_INIT(MAX_PATH);
    cleanup_response struct response response = {0};
    cleanup_free char *after = *cursor ? client_encode(*cursor) : NULL;
    if (!buf_printf(&suffix, "%slimit=%lld%s%s", query, (long long)MIN(left, (int64_t)100),
                    after ? "&cursor=" : "", after ? after : ""))
        return error_set(err, ERR_TOO_LARGE, "the question is too long");
    if (!resource_call(in->client, "GET", WEBHOOKS_PATH, in->args[0], suffix.data, NULL, &response,
                       err))
        return false;
    if (json_array_extend(all, json_object_get(response.json, "data")) < 0)
        return error_set(err, ERR_INTERNAL, "the server's answer is no list of deliveries");
    const char *next = json_string_value(json_object_get(response.json, "nextCursor"));
    free(*cursor);
    *cursor = next ? strdup(next) : NULL;
    return true;
}

static json_t *collect(struct invocation *in, struct error *err) {
    cleanup_buf struct buf query = BUF_INIT(MAX_PATH);
    cleanup_json json_t *all = json_array();
    cleanup_free char *cursor = NULL;
    int64_t limit = option_number(in, "limit");
    if (!put_query(in, &query, err))
        return NULL;
    do {
        if (!add_page(in, query.data, limit - (int64_t)json_array_size(all), &cursor, all, err))
            return NULL;
    } while (cursor && (int64_t)json_array_size(all) < limit);
    return steal_ptr(&all);
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void add_row(struct table *table, const json_t *event, const json_t *attempt) {
    char time[VIEW_TEXT], answer[32] = "", took[32];
    const json_t *status = json_object_get(attempt, "responseHttpStatusCode");
    const char *type = text_of(event, "eventType"), *dot = strrchr(type, '.');
    if (json_is_integer(status))
        snprintf(answer, sizeof(answer), "%lld", (long long)json_integer_value(status));
    snprintf(took, sizeof(took), "%lld",
             (long long)json_integer_value(json_object_get(attempt, "durationMs")));
    const char *const cells[] = {
        view_time(text_of(attempt, "timestamp"), time),
        text_of(event, "eventId"),
        dot ? dot + 1 : type,
        text_of(event, "sandboxId"),
        text_of(attempt, "status"),
        answer,
        took,
        text_of(attempt, "errorMessage"),
    };
    table_add(table, cells);
}

static void print_table(const json_t *all) {
    static const char *const headers[] = {"AT",     "EVENT ID", "TYPE", "SANDBOX ID",
                                          "STATUS", "ANSWER",   "MS",   "PROBLEM"};
    cleanup_table struct table table;
    size_t i, k;
    json_t *event, *attempt;
    table_init(&table, headers, ARRAY_LEN(headers));
    json_array_foreach(all, i, event) {
        json_array_foreach(json_object_get(event, "attempts"), k, attempt) {
            add_row(&table, event, attempt);
        }
    }
    table_print(&table, stdout);
}

static int deliveries_run(struct invocation *in, struct error *err) {
    cleanup_json json_t *all = collect(in, err);
    if (!all)
        return -1;
    if (output_wants_json(in))
        output_json(stdout, all);
    else if (json_array_size(all))
        print_table(all);
    else
        puts("No deliveries found");
    return EXIT_OK;
}

const struct command command_webhook_deliveries = {
    .name = "deliveries",
    .aliases = {"dv"},
    .summary = "list what a webhook was told, attempt by attempt",
    .arguments = "<webhookID>",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = deliveries_options,
    .examples = (const char *const[]){"e2b webhook deliveries ID --status failed",
                                      "what did not arrive, and why", NULL},
    .handler = deliveries_run,
};

/* ---- resend ---- */

static int resend_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_free char *event = client_encode(in->args[1]);
    cleanup_buf struct buf suffix = BUF_INIT(MAX_PATH);
    if (!event || !buf_printf(&suffix, "/deliveries/%s/resend", event))
        return error_set(err, ERR_TOO_LARGE, "the id is too long") - 1;
    if (!resource_call(in->client, "POST", WEBHOOKS_PATH, in->args[0], suffix.data, NULL, &response,
                       err))
        return -1;
    printf("Event %s is sent again\n", in->args[1]);
    return EXIT_OK;
}

const struct command command_webhook_resend = {
    .name = "resend",
    .summary = "tell a webhook of an event once more",
    .description = "The event is named by its own id or by that of any delivery of it. The hosted "
                   "service has no such call.",
    .arguments = "<webhookID> <eventID>",
    .min_args = 2,
    .max_args = 2,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples =
        (const char *const[]){"e2b webhook resend ID EVENT", "after the receiver is mended", NULL},
    .handler = resend_run,
};

/* ---- stats ---- */

static const struct option_spec stats_options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

static void print_line(const char *label, const json_t *stats) {
    const json_t *duration = json_object_get(stats, "durationMs");
    printf("%-24s %9lld %9lld %8lld %8.1f %8lld\n", label,
           (long long)json_integer_value(json_object_get(stats, "total")),
           (long long)json_integer_value(json_object_get(stats, "failed")),
           (long long)json_integer_value(json_object_get(duration, "minimum")),
           json_number_value(json_object_get(duration, "average")),
           (long long)json_integer_value(json_object_get(duration, "maximum")));
}

static int stats_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    char time[VIEW_TEXT];
    size_t i;
    json_t *bucket;
    if (!resource_call(in->client, "GET", WEBHOOKS_PATH, in->args[0], "/stats", NULL, &response,
                       err))
        return -1;
    if (output_wants_json(in)) {
        output_json(stdout, response.json);
        return EXIT_OK;
    }
    printf("%-24s %9s %9s %8s %8s %8s\n", "FROM", "ATTEMPTS", "FAILED", "MS MIN", "MS MEAN",
           "MS MAX");
    json_array_foreach(json_object_get(response.json, "buckets"), i, bucket) {
        print_line(view_time(text_of(bucket, "timestamp"), time), bucket);
    }
    print_line("total", response.json);
    return EXIT_OK;
}

const struct command command_webhook_stats = {
    .name = "stats",
    .summary = "count the attempts of the last 24 hours",
    .arguments = "<webhookID>",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = stats_options,
    .examples =
        (const char *const[]){"e2b webhook stats ID --format json", "by the hour, as JSON", NULL},
    .handler = stats_run,
};
