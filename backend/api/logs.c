/* SPDX-License-Identifier: Apache-2.0
 *
 * The log of a sandbox, in the two forms of the API: lines that are JSON objects in a string (what
 * the official command line reads), and entries. Times in the query are Unix milliseconds.
 */
#include "backend/api/api.h"
#include "backend/api/time_json.h"
#include "backend/core/logs.h"
#include "backend/envd/entry.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 1000, MAX_SEARCH = 256 };

static const char *const levels[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

/* ---- the query ---- */

static bool read_number(struct exchange *x, const char *name, uint64_t most, int64_t *number,
                        struct error *err) {
    uint64_t value;
    const char *text = exchange_param(x, name, 0, err);
    if (err->kind != ERR_NONE)
        return false;
    if (!text || !*text)
        return true;
    if (!slice_number((struct slice){text, strlen(text)}, &value) || value > most)
        return error_set(err, ERR_INVALID, "validation error: %s must be between 0 and %llu", name,
                         (unsigned long long)most);
    *number = (int64_t)value;
    return true;
}

/* Where `text` stands among the words; -1. */
static int find_word(const char *text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return (int)i;
    return -1;
}

static bool read_word(struct exchange *x, const char *name, const char *const *words, size_t count,
                      int *index, struct error *err) {
    const char *text = exchange_param(x, name, 0, err);
    if (err->kind != ERR_NONE || !text || !*text)
        return err->kind == ERR_NONE;
    *index = find_word(text, words, count);
    return *index >= 0 ||
           error_set(err, ERR_INVALID, "validation error: unknown %s '%.32s'", name, text);
}

/* The first version: from `start` on, the oldest first. */
static bool read_lines_query(struct exchange *x, struct log_query *query, struct error *err) {
    int64_t limit = PAGE;
    if (!read_number(x, "start", INT64_MAX, &query->from_ms, err) ||
        !read_number(x, "limit", INT32_MAX, &limit, err))
        return false;
    query->limit = (size_t)limit;
    return true;
}

/* The second one: from the cursor on forward, or from before it backward. */
static bool read_entries_query(struct exchange *x, struct log_query *query, struct error *err) {
    static const char *const directions[] = {"forward", "backward"};
    int direction = 1, level = LOG_DEBUG;
    int64_t limit = PAGE, cursor_ms = -1;
    query->search = exchange_param(x, "search", 0, err);
    if (err->kind != ERR_NONE || !read_number(x, "cursor", INT64_MAX, &cursor_ms, err) ||
        !read_number(x, "limit", PAGE, &limit, err) ||
        !read_word(x, "direction", directions, ARRAY_LEN(directions), &direction, err) ||
        !read_word(x, "level", levels, ARRAY_LEN(levels), &level, err))
        return false;
    if (query->search && strlen(query->search) > MAX_SEARCH)
        return error_set(err, ERR_INVALID, "validation error: search is longer than %d bytes",
                         MAX_SEARCH);
    query->backward = direction == 1;
    query->least = (enum log_level)level;
    query->limit = (size_t)limit;
    if (cursor_ms >= 0)
        *(query->backward ? &query->before_ms : &query->from_ms) = cursor_ms;
    return true;
}

/* ---- the answer ---- */

static const char *logger_of(const struct log_record *record) {
    return record->source == LOG_OF_SANDBOX ? "sandbox" : "process";
}

static const char *stream_of(const struct log_record *record) {
    return record->source == LOG_OF_STDOUT   ? "stdout"
           : record->source == LOG_OF_STDERR ? "stderr"
                                             : NULL;
}

/* A program may have written any bytes. */
static json_t *message(const struct log_record *record) {
    char text[LOG_RING_LINE + 1];
    memcpy(text, record->text, record->len);
    text[record->len] = '\0';
    for (char *at = text; (at = memchr(at, '\0', (size_t)(text + record->len - at)));)
        *at = ' ';
    return entry_text(text);
}

static json_t *entry(const struct log_record *record) {
    json_t *fields =
        json_pack("{s:s, s:s*}", "logger", logger_of(record), "stream", stream_of(record));
    if (record->pid)
        json_object_set_new(fields, "pid", json_sprintf("%d", (int)record->pid));
    return json_pack("{s:o, s:o, s:s, s:o}", "timestamp", time_json(record->at_ms), "message",
                     message(record), "level", levels[record->level], "fields", fields);
}

static json_t *line(const struct log_record *record) {
    cleanup_json json_t *object =
        json_pack("{s:s, s:s, s:o, s:s*}", "level", levels[record->level], "logger",
                  logger_of(record), "message", message(record), "stream", stream_of(record));
    if (record->pid)
        json_object_set_new(object, "pid", json_integer(record->pid));
    cleanup_free char *text = json_dumps(object, JSON_COMPACT);
    return json_pack("{s:o, s:s}", "timestamp", time_json(record->at_ms), "line", text ? text : "");
}

struct answer {
    json_t *lines; /* NULL: not asked for */
    json_t *entries;
};

static void add(void *ctx, const struct log_record *record) {
    struct answer *answer = ctx;
    if (answer->lines)
        json_array_append_new(answer->lines, line(record));
    json_array_append_new(answer->entries, entry(record));
}

static void serve(struct call *call,
                  bool (*read_query)(struct exchange *x, struct log_query *query,
                                     struct error *err),
                  struct answer *answer) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct log_query query = {.from_ms = clock_now_ms() - LOG_RING_KEEP_S * INT64_C(1000),
                              .before_ms = INT64_MAX};
    char own[ID_SANDBOX];
    const char *id = sandbox_read_id(call->params[0], own, &err);
    if (id && read_query(call->x, &query, &err) &&
        logs_read(api->core, id, &query, add, answer, &err)) {
        json_t *body = answer->lines ? json_pack("{s:O, s:O}", "logs", answer->lines, "logEntries",
                                                 answer->entries)
                                     : json_pack("{s:O}", "logs", answer->entries);
        exchange_reply_json(call->x, 200, body);
    } else {
        exchange_reply_error(call->x, &err);
    }
    json_decref(answer->lines);
    json_decref(answer->entries);
}

static void lines(struct call *call) {
    serve(call, read_lines_query, &(struct answer){.lines = json_array(), .entries = json_array()});
}

static void entries(struct call *call) {
    serve(call, read_entries_query, &(struct answer){.entries = json_array()});
}

const struct route api_log_routes[] = {
    {"GET", "/sandboxes/{id}/logs", 0, lines},
    {"GET", "/v2/sandboxes/{id}/logs", 0, entries},
    {0},
};
