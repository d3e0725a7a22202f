/* SPDX-License-Identifier: Apache-2.0
 *
 * What was tried: a row an attempt to deliver an event to a webhook, kept in the order of the
 * events. What was sent is not kept, because it can be made again from the event.
 */
#ifndef E2B_STORE_DELIVERIES_H
#define E2B_STORE_DELIVERIES_H

#include "backend/store/event_list.h"

/* The numbers are in the file: add behind the last. */
enum delivery_error {
    DELIVERY_OK,
    DELIVERY_HTTP_ERROR, /* an answer, but not 2xx */
    DELIVERY_DNS_ERROR,
    DELIVERY_TIMEOUT,
    DELIVERY_TRANSPORT_ERROR,
    DELIVERY_REQUEST_ERROR, /* could not be sent at all */
    DELIVERY_ERRORS,
};

struct delivery_row {
    const char *id; /* UUID of this attempt */
    int64_t at_ms, duration_ms;
    int status; /* of HTTP; 0: no answer */
    enum delivery_error error;
    const char *message; /* NULL unless there is an error */
    const char *url;
    const char *response_headers, *response_body; /* NULL: none; cut */
};

bool store_delivery_insert(struct store *store, int64_t webhook, int64_t event,
                           const struct delivery_row *row, struct error *err);

struct delivery_query {
    int64_t webhook;
    int64_t behind; /* an event's number; 0: from the end (or the beginning) */
    bool ascending;
    int64_t start_ms, end_ms; /* of the attempt; the end is not included */
    bool successes, failures;
    unsigned types;
};
/* Attempts in the order of their events, then of time. Ends when `each` says false. */
bool store_delivery_list(struct store *store, const struct delivery_query *query,
                         bool (*each)(void *ctx, const struct event_row *event,
                                      const struct delivery_row *delivery),
                         void *ctx, struct error *err);

/* The event that an attempt was about, by either id; ERR_NOT_FOUND. */
bool store_delivery_find(struct store *store, int64_t webhook, const char *id, int64_t *event,
                         struct error *err);

struct delivery_stats {
    int64_t at_ms; /* beginning of the bucket */
    int64_t total, failed;
    int64_t least_ms, most_ms, sum_ms; /* how long attempts took */
};
/* Oldest bucket first; those without attempts are left out. */
bool store_delivery_stats(struct store *store, const struct delivery_query *query,
                          int64_t bucket_ms,
                          void (*each)(void *ctx, const struct delivery_stats *stats), void *ctx,
                          struct error *err);

/* Keeps about `keep` attempts, the newest events' ones, and none of events before `oldest`. */
bool store_delivery_prune(struct store *store, int64_t webhook, int64_t keep, int64_t oldest,
                          struct error *err);
bool store_delivery_clear(struct store *store, int64_t webhook, struct error *err);

#endif
