/* SPDX-License-Identifier: Apache-2.0
 *
 * What a webhook was told, attempt by attempt, and in numbers over time.
 */
#include "backend/api/event_json.h"
#include "backend/api/event_query.h"
#include "backend/api/webhook_json.h"
#include "backend/core/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_LIMIT = 25, MAX_LIMIT = 100, MAX_BODY = 1 << 20 };

/* ---- one attempt ---- */

static const char *const error_names[DELIVERY_ERRORS] = {
    [DELIVERY_HTTP_ERROR] = "http_error",
    [DELIVERY_DNS_ERROR] = "dns_error",
    [DELIVERY_TIMEOUT] = "timeout",
    [DELIVERY_TRANSPORT_ERROR] = "transport_error",
    [DELIVERY_REQUEST_ERROR] = "request_error",
};

/* What a receiver answered may be no text at all. */
static json_t *foreign_text(const char *text) {
    json_t *string = text ? json_string(text) : json_null();
    cleanup_free char *copy = string ? NULL : strdup(text);
    for (char *at = copy; at && *at; at++)
        *at = (char)((unsigned char)*at < 0x80 ? *at : '?');
    return string ? string : json_string(copy ? copy : "");
}

static json_t *request_headers(const char *webhook_id, const char *delivery_id) {
    char text[512];
    snprintf(text, sizeof(text),
             "{\"content-type\":\"application/json\",\"e2b-webhook-id\":\"%s\","
             "\"e2b-delivery-id\":\"%s\",\"e2b-signature-version\":\"v1\","
             "\"e2b-signature\":\"[redacted]\"}",
             webhook_id, delivery_id);
    return json_string(text);
}

static json_t *attempt_json(const struct webhook *webhook, const char *team,
                            const struct event_row *event, const struct delivery_row *delivery) {
    char time[CLOCK_TEXT];
    cleanup_buf struct buf body = BUF_INIT(MAX_BODY);
    const char *request_body = event_json_put(&body, team, event) ? body.data : "";
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:o, s:s}", "id", delivery->id, "teamId",
        team, "webhookId", webhook->id, "eventId", event->id, "sandboxId", event->sandbox_id,
        "eventType", event_type_name(event->type), "status", delivery->error ? "failed" : "success",
        "durationMs", (json_int_t)delivery->duration_ms, "requestBody", request_body,
        "requestHeaders", request_headers(webhook->id, delivery->id), "requestUrl", delivery->url);
    json_object_set_new(object, "responseBody", foreign_text(delivery->response_body));
    json_object_set_new(object, "responseHeaders", foreign_text(delivery->response_headers));
    json_object_set_new(object, "responseHttpStatusCode",
                        delivery->status ? json_integer(delivery->status) : json_null());
    json_object_set_new(object, "errorClass",
                        delivery->error ? json_string(error_names[delivery->error]) : json_null());
    json_object_set_new(object, "errorMessage", foreign_text(delivery->message));
    json_object_set_new(object, "timestamp", json_string(clock_format(delivery->at_ms, time)));
    return object;
}

/* ---- pages of them, by event ---- */

struct listing {
    const struct webhook *webhook;
    const char *team;
    int64_t limit, last;
    json_t *data, *attempts; /* attempts: of the last event */
    bool more;
};

static bool on_delivery(void *ctx, const struct event_row *event,
                        const struct delivery_row *delivery) {
    struct listing *listing = ctx;
    if (!listing->attempts || listing->last != event->seq) {
        listing->more = (int64_t)json_array_size(listing->data) == listing->limit;
        if (listing->more)
            return false;
        listing->attempts = json_array();
        listing->last = event->seq;
        json_array_append_new(listing->data,
                              json_pack("{s:s, s:s, s:s, s:o}", "eventId", event->id, "eventType",
                                        event_type_name(event->type), "sandboxId",
                                        event->sandbox_id, "attempts", listing->attempts));
    }
    json_array_append_new(listing->attempts,
                          attempt_json(listing->webhook, listing->team, event, delivery));
    return true;
}

static bool parse_status(struct exchange *x, struct delivery_query *query, struct error *err) {
    const char *text = exchange_param(x, "deliveryStatus", 0, err);
    query->successes = query->failures = !text;
    for (const char *at = text; at;) {
        struct slice word = {at, strcspn(at, ",")};
        query->successes |= slice_is(word, "success");
        query->failures |= slice_is(word, "failed");
        if (!slice_is(word, "success") && !slice_is(word, "failed"))
            return error_set(err, ERR_INVALID,
                             "validation error: deliveryStatus must be success or failed");
        at = at[word.len] ? at + word.len + 1 : NULL;
    }
    return err->kind == ERR_NONE;
}

static bool parse_query(struct exchange *x, struct delivery_query *query, int64_t *limit,
                        struct error *err) {
    const char *types = exchange_param(x, "eventType", 0, err);
    *query = (struct delivery_query){.end_ms = INT64_MAX};
    if (types && !event_query_types(types, "eventType", &query->types, err))
        return false;
    if (!types)
        query->types = EVENT_ALL_TYPES;
    return err->kind == ERR_NONE &&
           event_query_number(x, "cursor", 1, INT64_MAX, &query->behind, err) &&
           event_query_number(x, "limit", 1, MAX_LIMIT, limit, err) &&
           event_query_bool(x, "orderAsc", &query->ascending, err) &&
           event_query_time(x, "start", &query->start_ms, err) &&
           event_query_time(x, "end", &query->end_ms, err) && parse_status(x, query, err);
}

static json_t *cursor_json(const struct listing *listing) {
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, listing->last);
    return listing->more ? json_string(text) : json_null();
}

static void list(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct delivery_query query;
    struct listing listing = {.webhook = webhook_of_call(call), .limit = DEFAULT_LIMIT};
    if (!listing.webhook)
        return;
    listing.team = core_team_id(api->core);
    cleanup_json json_t *data = listing.data = json_array();
    if (parse_query(call->x, &query, &listing.limit, &err) &&
        history_deliveries(listing.webhook, &query, on_delivery, &listing, &err))
        exchange_reply_json(
            call->x, 200,
            json_pack("{s:O, s:o}", "data", data, "nextCursor", cursor_json(&listing)));
    else
        exchange_reply_error(call->x, &err);
}

/* ---- numbers ---- */

static const int64_t hour_ms = 3600 * INT64_C(1000);

struct totals {
    json_t *buckets;
    struct delivery_stats sum;
};

static json_t *durations_json(const struct delivery_stats *stats) {
    if (!stats->total)
        return json_pack("{s:i, s:i, s:i}", "minimum", 0, "average", 0, "maximum", 0);
    return json_pack("{s:I, s:f, s:I}", "minimum", (json_int_t)stats->least_ms, "average",
                     (double)stats->sum_ms / (double)stats->total, "maximum",
                     (json_int_t)stats->most_ms);
}

static void on_bucket(void *ctx, const struct delivery_stats *stats) {
    struct totals *totals = ctx;
    struct delivery_stats *sum = &totals->sum;
    char time[CLOCK_TEXT];
    json_array_append_new(totals->buckets,
                          json_pack("{s:s, s:I, s:I, s:o}", "timestamp",
                                    clock_format(stats->at_ms, time), "total",
                                    (json_int_t)stats->total, "failed", (json_int_t)stats->failed,
                                    "durationMs", durations_json(stats)));
    sum->least_ms = sum->total ? MIN(sum->least_ms, stats->least_ms) : stats->least_ms;
    sum->most_ms = MAX(sum->most_ms, stats->most_ms);
    sum->total += stats->total;
    sum->failed += stats->failed;
    sum->sum_ms += stats->sum_ms;
}

/* About two dozen of them. */
static int64_t bucket_size(int64_t range_ms) {
    static const int64_t minutes[] = {1, 5, 15, 60, 6 * 60, 24 * 60};
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(minutes) && range_ms > minutes[i] * 60000 * 28)
        i++;
    return minutes[i] * 60000;
}

static void stats(struct call *call) {
    struct error err = ERROR_INIT;
    int64_t now = clock_now_ms();
    struct delivery_query query = {.start_ms = now - 24 * hour_ms, .end_ms = now + 1};
    const struct webhook *webhook = webhook_of_call(call);
    if (!webhook)
        return;
    struct totals totals = {.buckets = json_array()};
    if (event_query_time(call->x, "start", &query.start_ms, &err) &&
        event_query_time(call->x, "end", &query.end_ms, &err) &&
        (query.start_ms < query.end_ms ||
         error_set(&err, ERR_INVALID, "validation error: start must be before end")) &&
        history_stats(webhook, &query, bucket_size(query.end_ms - query.start_ms), on_bucket,
                      &totals, &err))
        exchange_reply_json(call->x, 200,
                            json_pack("{s:O, s:I, s:I, s:o}", "buckets", totals.buckets, "total",
                                      (json_int_t)totals.sum.total, "failed",
                                      (json_int_t)totals.sum.failed, "durationMs",
                                      durations_json(&totals.sum)));
    else
        exchange_reply_error(call->x, &err);
    json_decref(totals.buckets);
}

/* Ours: the event of that id (or of the delivery of that id) once more. */
static void resend(struct call *call) {
    struct error err = ERROR_INIT;
    struct webhook *webhook = webhook_of_call(call);
    if (!webhook)
        return;
    if (history_resend(webhook, call->params[1], &err))
        exchange_reply_empty(call->x, 202);
    else
        exchange_reply_error(call->x, &err);
}

const struct route api_delivery_routes[] = {
    {"GET", "/events/webhooks/{id}/deliveries", 0, list},
    {"GET", "/events/webhooks/{id}/stats", 0, stats},
    {"POST", "/events/webhooks/{id}/deliveries/{delivery}/resend", ROUTE_JSON_MAY, resend},
    {0},
};
