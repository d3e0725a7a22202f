/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox logs`: the log of a sandbox, also of one that is gone.
 *
 * The server gives JSON lines with their times, the oldest first, a page at a time. The next page
 * is asked for from the last time on, because others may have the same, and what was printed of it
 * is passed over.
 */
#include "cli/output.h"
#include "cli/sandbox/follow.h"
#include "cli/sandbox/inspect.h"
#include "cli/sandbox/sandbox.h"
#include "common/clock.h"
#include "common/json.h"

#include <string.h>
#include <strings.h>

enum {
    PERIOD_MS = 1000,
    FULL_PAGE = 900, /* servers give 1000, or less so as not to end within a millisecond */
};

static const char *const levels[] = {"DEBUG", "INFO", "WARN", "ERROR", NULL};

static const struct option_spec options[] = {
    {.name = "level",
     .type = OPTION_STRING,
     .value = "level",
     .fallback = "INFO",
     .choices = levels,
     .help = "the least level that is shown: DEBUG, INFO, WARN or ERROR"},
    FOLLOW_OPTION,
    FOLLOW_FORMAT_OPTION,
    {.name = "loggers",
     .type = OPTION_STRING,
     .value = "loggers",
     .help = "only lines of loggers that begin with one of these, with commas between"},
    {.name = "since",
     .type = OPTION_DURATION,
     .value = "duration",
     .min = 1,
     .max = 7 * 24 * 3600,
     .help = "only lines that are not older"},
    {.name = "grep",
     .type = OPTION_STRING,
     .value = "text",
     .help = "only lines with this text in their message"},
    {0},
};

struct reader {
    const char *id;
    bool json, begun;
    int level;
    const char *loggers, *text;
    int64_t start_ms; /* -1: from the beginning */
    size_t seen;      /* lines with that time that were dealt with */
};

/* ---- one line ---- */

static int find_level(const char *name) {
    for (int i = 0; levels[i]; i++)
        if (strcasecmp(name, levels[i]) == 0)
            return i;
    return -1;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Something that is no JSON object is a message: not every program's log is ours to parse. */
static json_t *parse_line(const char *text) {
    struct error ignored = ERROR_INIT;
    json_t *line = json_parse(text, strlen(text), &ignored);
    if (json_is_object(line))
        return line;
    json_decref(line);
    return json_pack("{s:s}", "message", text);
}

/* What concerns the service alone. */
static void drop_internal_keys(json_t *line) {
    static const char *const keys[] = {"traceID", "instanceID", "source_type", "teamID",
                                       "source",  "service",    "envID",       "sandboxID"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        json_object_del(line, keys[i]);
}

static void shorten_logger(json_t *line) {
    const char *logger = text_of(line, "logger");
    const char *end = strstr(logger, "Svc");
    if (end)
        json_object_set_new(line, "logger",
                            json_sprintf("%.*s%s", (int)(end - logger), logger, end + 3));
}

static bool is_wanted_logger(const struct reader *reader, const char *logger) {
    for (const char *at = reader->loggers; at && *at;) {
        size_t len = strcspn(at, ",");
        if (len && strncmp(logger, at, len) == 0)
            return true;
        at += len + (at[len] == ',');
    }
    return !reader->loggers || !*reader->loggers;
}

static void print_json_line(json_t *line, const char *timestamp, const char *level) {
    cleanup_json json_t *object = json_pack("{s:s, s:s}", "timestamp", timestamp, "level", level);
    json_object_update(object, line);
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
}

static void print_pretty_line(json_t *line, const char *timestamp, int level) {
    static const enum style styles[] = {STYLE_BOLD, STYLE_GREEN, STYLE_YELLOW, STYLE_RED};
    char time[CLOCK_TEXT];
    snprintf(time, sizeof(time), "%s", timestamp);
    char *letter = strchr(time, 'T');
    if (letter)
        *letter = ' ';
    json_object_del(line, "level");
    putchar('[');
    output_safe(stdout, time, "");
    printf("] %s%-5s%s ", output_style(stdout, styles[level]), levels[level],
           output_style(stdout, STYLE_END));
    inspect_print(stdout, line);
    putchar('\n');
}

static void print_line(const struct reader *reader, const json_t *entry, const char *timestamp) {
    cleanup_json json_t *line = parse_line(text_of(entry, "line"));
    const char *name = text_of(line, "level");
    int level = find_level(name);
    if (level < 0)
        level = 1; /* a line that has none, or one of its own */
    drop_internal_keys(line);
    shorten_logger(line);
    if (level < reader->level || !is_wanted_logger(reader, text_of(line, "logger")) ||
        (reader->text && !strstr(text_of(line, "message"), reader->text)))
        return;
    if (reader->json)
        print_json_line(line, timestamp, *name ? name : "info");
    else
        print_pretty_line(line, timestamp, level);
}

/* ---- pages ---- */

static bool take_entry(struct reader *reader, const json_t *entry, size_t *to_skip,
                       struct error *err) {
    char iso[CLOCK_TEXT];
    int64_t ms;
    if (!clock_parse(text_of(entry, "timestamp"), &ms, err))
        return error_wrap(err, "the server's log has a line without a time");
    if (ms == reader->start_ms && *to_skip) {
        --*to_skip;
        return true;
    }
    *to_skip = 0;
    reader->seen = ms == reader->start_ms ? reader->seen + 1 : 1;
    reader->start_ms = ms;
    print_line(reader, entry, clock_format(ms, iso));
    return true;
}

static void print_header(struct reader *reader) {
    if (!reader->json && !reader->begun)
        printf("\nLogs for sandbox %s:\n\n", reader->id);
    reader->begun = true;
}

static bool print_page(struct invocation *in, struct reader *reader, size_t *count,
                       struct error *err) {
    cleanup_response struct response response = {0};
    json_t *all = NULL;
    if (!follow_ask(in, reader->id, "logs", reader->start_ms, &response, err) ||
        !json_get_array(response.json, "logs", &all, err))
        return false;
    print_header(reader);
    size_t to_skip = reader->seen;
    *count = json_array_size(all);
    for (size_t i = 0; i < *count; i++)
        if (!take_entry(reader, json_array_get(all, i), &to_skip, err))
            return false;
    return true;
}

/* All pages that there are. One that brings nothing new is the last: a server may give more lines
 * of one millisecond than fit into a page. */
static bool print_new(struct invocation *in, void *ctx, struct error *err) {
    struct reader *reader = ctx;
    size_t count = 0;
    for (;;) {
        int64_t start_ms = reader->start_ms;
        size_t seen = reader->seen;
        if (!print_page(in, reader, &count, err))
            return false;
        if (count < FULL_PAGE || (reader->start_ms == start_ms && reader->seen == seen))
            return true;
    }
}

static int logs_run(struct invocation *in, struct error *err) {
    const char *level = option_string(in, "level");
    struct reader reader = {
        .id = in->args[0],
        .json = output_wants_json(in),
        .level = find_level(level),
        .loggers = option_string(in, "loggers"),
        .text = option_string(in, "grep"),
        .start_ms = -1,
    };
    if (reader.level < 0) {
        error_set(err, ERR_USAGE, "Invalid log level: %s", level);
        error_hint(err, "it is DEBUG, INFO, WARN or ERROR");
        return -1;
    }
    if (option_given(in, "since"))
        reader.start_ms = clock_now_ms() - option_number(in, "since") * 1000;
    const struct follow follow = {
        .id = reader.id, .period_ms = PERIOD_MS, .print = print_new, .ctx = &reader};
    enum follow_end end = follow_run(in, &follow, err);
    if (end == FOLLOW_CLOSED && !reader.json)
        puts("\nStopped printing logs — sandbox is closed");
    return end == FOLLOW_FAILED ? -1 : EXIT_OK;
}

const struct command command_sandbox_logs = {
    .name = "logs",
    .aliases = {"lg"},
    .summary = "show the log of a sandbox",
    .description =
        "What happened to the sandbox, and what its processes wrote to standard output (INFO) and "
        "standard error (WARN). The local backend keeps the last 512 KiB to 1 MiB of each sandbox "
        "for 7 days, also when the sandbox is gone. A line is cut after 4 KiB; output beyond 128 "
        "KiB a second (256 KiB at once) is left out, and the log says so. What is seen in a "
        "terminal is not logged.",
    .arguments = "<sandboxID>",
    .complete = "sandbox",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b sandbox logs i1234567890abcdefghij --follow",
                                      "watch it until it ends",
                                      "e2b sandbox logs i1234567890abcdefghij --level WARN "
                                      "--since 10m --format json",
                                      "what went wrong lately, one JSON object a line", NULL},
    .handler = logs_run,
};
