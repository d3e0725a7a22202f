/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/event/event.h"

#include "cli/output.h"
#include "common/buf.h"
#include "common/clock.h"

#include <errno.h>
#include <string.h>

enum { PAGE = 100, MAX_PATH = 16 << 10 };

void event_feed_free(struct event_feed *feed) {
    free(feed->path);
}

/* A time, or how long ago. */
static bool parse_since(const char *text, int64_t *ms, struct error *err) {
    struct error ignored = ERROR_INIT;
    int64_t seconds;
    if (!text || clock_parse(text, ms, &ignored))
        return true;
    if (!clock_parse_duration(text, &seconds, &ignored)) {
        error_set(err, ERR_USAGE, "not a time or a duration: '%s'", text);
        return error_hint(err, "write it as 15m, 2h, 1d or 2026-01-02T03:04:05Z");
    }
    *ms = clock_now_ms() - seconds * 1000;
    return true;
}

static bool put_path(struct buf *path, const char *sandbox, const json_t *types) {
    cleanup_free char *id = sandbox ? client_encode(sandbox) : NULL;
    size_t i;
    json_t *type;
    bool ok = buf_printf(path, "/events/sandboxes%s%s?", id ? "/" : "", id ? id : "");
    json_array_foreach(types, i, type) {
        cleanup_free char *name = client_encode(json_string_value(type));
        ok = ok && name && buf_printf(path, "types=%s&", name);
    }
    return ok;
}

bool event_feed_open(struct event_feed *feed, const struct invocation *in, struct error *err) {
    cleanup_buf struct buf path = BUF_INIT(MAX_PATH);
    *feed = (struct event_feed){.client = in->client};
    cleanup_json json_t *types = event_types_given(in, "events", err);
    if (!types || !parse_since(option_string(in, "since"), &feed->since_ms, err))
        return false;
    if (!put_path(&path, in->args[0], types))
        return error_set(err, ERR_TOO_LARGE, "the question is too long");
    feed->path = buf_steal(&path);
    return true;
}

static const char *text_of(const json_t *event, const char *key) {
    const char *text = json_string_value(json_object_get(event, key));
    return text ? text : "";
}

static bool is_wanted(const struct event_feed *feed, const json_t *event) {
    struct error ignored = ERROR_INIT;
    int64_t at_ms;
    if (*feed->last_id && strcmp(text_of(event, "id"), feed->last_id) == 0)
        return false;
    return !clock_parse(text_of(event, "timestamp"), &at_ms, &ignored) || at_ms >= feed->since_ms;
}

static json_t *ask(struct event_feed *feed, int64_t offset, int64_t limit, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%soffset=%lld&limit=%lld", feed->path, (long long)offset,
                 (long long)limit) < 0) {
        path = NULL;
        error_errno(err, ENOMEM, "cannot ask for events");
        return NULL;
    }
    if (!client_call(feed->client, "GET", path, NULL, &response, err))
        return NULL;
    if (!json_is_array(response.json)) {
        error_set(err, ERR_INTERNAL, "the server's answer is no list of events");
        return NULL;
    }
    return steal_ptr(&response.json);
}

/* Events that are written meanwhile move the others on: those come twice and are left out. */
static bool is_there(const json_t *events, const json_t *event) {
    for (size_t i = json_array_size(events); i--;)
        if (strcmp(text_of(json_array_get(events, i), "id"), text_of(event, "id")) == 0)
            return true;
    return false;
}

static json_t *reverse(const json_t *events) {
    json_t *list = json_array();
    for (size_t i = json_array_size(events); i--;)
        json_array_append(list, json_array_get(events, i));
    return list;
}

json_t *event_feed_next(struct event_feed *feed, int64_t limit, struct error *err) {
    cleanup_json json_t *newest = json_array();
    bool more = true;
    for (int64_t offset = 0; more && (int64_t)json_array_size(newest) < limit; offset += PAGE) {
        size_t i;
        json_t *event;
        cleanup_json json_t *page = ask(feed, offset, MIN(limit, (int64_t)PAGE), err);
        if (!page)
            return NULL;
        more = json_array_size(page) == PAGE;
        json_array_foreach(page, i, event) {
            more = more && is_wanted(feed, event);
            if (!is_wanted(feed, event) || (int64_t)json_array_size(newest) == limit)
                break;
            if (offset == 0 || !is_there(newest, event))
                json_array_append(newest, event);
        }
    }
    const char *last = text_of(json_array_get(newest, 0), "id");
    if (*last)
        snprintf(feed->last_id, sizeof(feed->last_id), "%s", last);
    return reverse(newest);
}

/* ---- printing ---- */

static const char *short_type(const char *type) {
    const char *dot = strrchr(type, '.');
    return dot ? dot + 1 : type;
}

void event_print(FILE *out, const json_t *event) {
    const json_t *data = json_object_get(event, "eventData");
    const char *reason = text_of(data, "kill_reason"), *end = text_of(data, "set_timeout");
    output_safe(out, text_of(event, "timestamp"), "");
    fprintf(out, "  %s", output_style(out, STYLE_BOLD));
    output_safe(out, short_type(text_of(event, "type")), "");
    fprintf(out, "%s  ", output_style(out, STYLE_END));
    output_safe(out, text_of(event, "sandboxId"), "");
    fputs(*reason || *end ? "  " : "", out);
    output_safe(out, *reason ? reason : end, "");
    fputc('\n', out);
}

void event_print_json(FILE *out, const json_t *event) {
    json_dumpf(event, out, JSON_COMPACT);
    fputc('\n', out);
}
