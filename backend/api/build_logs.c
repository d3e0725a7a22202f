/* SPDX-License-Identifier: Apache-2.0
 *
 * How a build goes: its status, with the lines of its log behind those that the client has, and the
 * log alone, by time.
 */
#include "backend/api/template_json.h"
#include "backend/api/time_json.h"
#include "backend/core/build_log.h"

#include <string.h>

enum { MAX_LINES = 100 };

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

static json_t *print_line(const struct build_line *line) {
    json_t *entry = json_pack("{s:o, s:s, s:s}", "timestamp", time_json(line->at_ms), "message",
                              line->message, "level", level_names[line->level]);
    if (*line->step)
        json_object_set_new(entry, "step", json_string(line->step));
    return entry;
}

struct lines {
    json_t *texts, *entries;
};

static void add_line(void *ctx, const struct build_line *line) {
    struct lines *lines = ctx;
    json_array_append_new(lines->texts, json_string(line->message));
    json_array_append_new(lines->entries, print_line(line));
}

/* ---- the query ---- */

static bool get_number(struct exchange *x, const char *name, int64_t max, int64_t *number,
                       struct error *err) {
    uint64_t value;
    const char *text = exchange_param(x, name, 0, err);
    if (err->kind || !text)
        return !err->kind;
    if (!slice_number((struct slice){text, strlen(text)}, &value) || value > (uint64_t)max)
        return error_set(err, ERR_INVALID, "validation error: %s must be between 0 and %lld", name,
                         (long long)max);
    *number = (int64_t)value;
    return true;
}

static bool get_level(struct exchange *x, int *level, struct error *err) {
    const char *text = exchange_param(x, "level", 0, err);
    if (err->kind || !text)
        return !err->kind;
    for (int i = 0; i < (int)ARRAY_LEN(level_names); i++)
        if (strcmp(level_names[i], text) == 0) {
            *level = i;
            return true;
        }
    return error_set(err, ERR_INVALID,
                     "validation error: level must be debug, info, warn or error");
}

static bool get_direction(struct exchange *x, bool *backward, struct error *err) {
    const char *text = exchange_param(x, "direction", 0, err);
    if (err->kind || !text)
        return !err->kind;
    *backward = strcmp(text, "backward") == 0;
    return *backward || strcmp(text, "forward") == 0 ||
           error_set(err, ERR_INVALID, "validation error: direction must be forward or backward");
}

static const struct build *build_of(struct call *call, struct error *err) {
    const struct api *api = call->ctx;
    return build_find(api->core, call->params[0], call->params[1], err);
}

/* ---- answers ---- */

static json_t *print_reason(const struct build *build) {
    json_t *reason = json_pack("{s:s, s:[]}", "message", build->reason, "logEntries");
    if (*build->reason_step)
        json_object_set_new(reason, "step", json_string(build->reason_step));
    return reason;
}

static void get_status(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct build_line_query query = {.limit = MAX_LINES, .before_ms = INT64_MAX};
    const struct build *build = build_of(call, &err);
    struct lines lines = {json_array(), json_array()};
    if (!build || !get_number(call->x, "logsOffset", INT32_MAX, &query.from_number, &err) ||
        !get_number(call->x, "limit", MAX_LINES, &query.limit, &err) ||
        !get_level(call->x, &query.least_level, &err) ||
        !build_log_read(api->core, build, &query, add_line, &lines, &err)) {
        json_decref(lines.texts);
        json_decref(lines.entries);
        exchange_reply_error(call->x, &err);
        return;
    }
    json_t *status = json_pack("{s:s, s:s, s:s, s:o, s:o}", "templateID", build->recipe->id,
                               "buildID", build->id, "status", template_json_status(build->status),
                               "logs", lines.texts, "logEntries", lines.entries);
    if (build->reason)
        json_object_set_new(status, "reason", print_reason(build));
    exchange_reply_json(call->x, 200, status);
}

static void get_logs(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct build_line_query query = {.limit = MAX_LINES, .before_ms = INT64_MAX};
    int64_t cursor = -1;
    const struct build *build = build_of(call, &err);
    struct lines lines = {json_array(), json_array()};
    bool ok = build && get_number(call->x, "cursor", INT64_MAX, &cursor, &err) &&
              get_number(call->x, "limit", MAX_LINES, &query.limit, &err) &&
              get_level(call->x, &query.least_level, &err) &&
              get_direction(call->x, &query.backward, &err);
    if (ok && cursor >= 0 && query.backward)
        query.before_ms = cursor;
    else if (ok && cursor >= 0)
        query.from_ms = cursor;
    ok = ok && build_log_read(api->core, build, &query, add_line, &lines, &err);
    json_decref(lines.texts);
    if (ok) {
        exchange_reply_json(call->x, 200, json_pack("{s:o}", "logs", lines.entries));
        return;
    }
    json_decref(lines.entries);
    exchange_reply_error(call->x, &err);
}

const struct route api_build_log_routes[] = {
    {"GET", "/templates/{id}/builds/{buildID}/status", 0, get_status},
    {"GET", "/templates/{id}/builds/{buildID}/logs", 0, get_logs},
    {0},
};
