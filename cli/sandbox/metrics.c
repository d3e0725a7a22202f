/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox metrics`: what a sandbox uses, also of one that is gone.
 */
#include "cli/output.h"
#include "cli/sandbox/follow.h"
#include "cli/sandbox/sandbox.h"
#include "common/clock.h"
#include "common/json.h"

enum { PERIOD_MS = 2000 /* samples come every 5 s */ };

static const struct option_spec options[] = {
    FOLLOW_OPTION,
    FOLLOW_FORMAT_OPTION,
    {.name = "since",
     .type = OPTION_DURATION,
     .value = "duration",
     .min = 1,
     .max = 7 * 24 * 3600,
     .help = "only samples that are not older"},
    {0},
};

struct reader {
    const char *id;
    bool json, begun, any;
    int64_t start_s; /* -1: from the beginning */
};

static int64_t mib(const json_t *sample, const char *key) {
    return (int64_t)json_number_value(json_object_get(sample, key)) >> 20;
}

static void print_pretty(const json_t *sample, int64_t at_s) {
    char time[CLOCK_TEXT];
    long long cpus = json_integer_value(json_object_get(sample, "cpuCount"));
    clock_format(at_s * 1000, time);
    printf("[%.10s %.8sZ]  CPU: %5.1f%% / %2lld %-5s | Memory: %5lld / %-5lld MiB | Disk: %5lld / "
           "%-5lld MiB\n",
           time, time + 11, json_number_value(json_object_get(sample, "cpuUsedPct")), cpus,
           cpus == 1 ? "Core" : "Cores", (long long)mib(sample, "memUsed"),
           (long long)mib(sample, "memTotal"), (long long)mib(sample, "diskUsed"),
           (long long)mib(sample, "diskTotal"));
}

static void print_json(const json_t *sample, int64_t at_s) {
    static const char *const keys[] = {"cpuUsedPct", "cpuCount", "memUsed",  "memTotal",
                                       "memCache",   "diskUsed", "diskTotal"};
    char time[CLOCK_TEXT];
    cleanup_json json_t *object = json_pack("{s:s}", "timestamp", clock_format(at_s * 1000, time));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        json_t *value = json_object_get(sample, keys[i]);
        if (value)
            json_object_set(object, keys[i], value);
    }
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
    putchar('\n');
}

/* Older servers give the time as a text alone. */
static bool read_time(const json_t *sample, int64_t *at_s, struct error *err) {
    const char *text = NULL;
    int64_t ms = 0;
    *at_s = -1;
    if (!json_get_int(sample, "timestampUnix", 0, INT32_MAX * 1000LL, at_s, err))
        return false;
    if (*at_s >= 0)
        return true;
    if (!json_get_string(sample, "timestamp", &text, err) ||
        !clock_parse(text ? text : "", &ms, err))
        return error_wrap(err, "the server's metrics have a sample without a time");
    *at_s = ms / 1000;
    return true;
}

static void print_header(struct reader *reader) {
    if (!reader->json && !reader->begun)
        printf("\nMetrics for sandbox %s:\n\n", reader->id);
    reader->begun = true;
}

static bool print_new(struct invocation *in, void *ctx, struct error *err) {
    struct reader *reader = ctx;
    cleanup_response struct response response = {0};
    if (!follow_ask(in, reader->id, "metrics", reader->start_s, &response, err))
        return false;
    print_header(reader);
    for (size_t i = 0; i < json_array_size(response.json); i++) {
        const json_t *sample = json_array_get(response.json, i);
        int64_t at_s;
        if (!read_time(sample, &at_s, err))
            return false;
        reader->any = true;
        reader->start_s = at_s + 1;
        if (reader->json)
            print_json(sample, at_s);
        else
            print_pretty(sample, at_s);
    }
    return true;
}

static int metrics_run(struct invocation *in, struct error *err) {
    struct reader reader = {.id = in->args[0], .json = output_wants_json(in), .start_s = -1};
    if (option_given(in, "since"))
        reader.start_s = clock_now_ms() / 1000 - option_number(in, "since");
    const struct follow follow = {
        .id = reader.id, .period_ms = PERIOD_MS, .print = print_new, .ctx = &reader};
    enum follow_end end = follow_run(in, &follow, err);
    if (end == FOLLOW_CLOSED && !reader.json)
        puts("\nStopped printing metrics — sandbox is closed");
    if (end == FOLLOW_NOT_WANTED && !reader.any && !reader.json)
        puts("No metrics yet: a sandbox is looked at every few seconds");
    return end == FOLLOW_FAILED ? -1 : EXIT_OK;
}

const struct command command_sandbox_metrics = {
    .name = "metrics",
    .aliases = {"mt"},
    .summary = "show what a sandbox uses",
    .description =
        "Processors, memory (without the cache of files) and disk (what the sandbox wrote itself, "
        "measured in turn with the others). The local backend looks every 5 seconds, and keeps "
        "that for an hour, averages of a minute for a day and of a quarter of an hour for a week, "
        "also when the sandbox is gone. It shows nothing until everything was measured. Where "
        "control groups cannot be had (see `e2b doctor`) it adds up the sandbox's processes, and "
        "the totals are the machine's.",
    .arguments = "<sandboxID>",
    .complete = "sandbox",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b sandbox metrics i1234567890abcdefghij --follow",
                                      "watch it until it ends",
                                      "e2b sandbox metrics i1234567890abcdefghij --format json",
                                      "one JSON object a line", NULL},
    .handler = metrics_run,
};
