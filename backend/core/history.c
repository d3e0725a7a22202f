/* SPDX-License-Identifier: Apache-2.0
 *
 * See history.h.
 */
#include "backend/core/history.h"

#include "backend/core/steady.h"
#include "backend/core/webhook_internal.h"
#include "common/clock.h"

#include <errno.h>
#include <string.h>

bool history_events(const struct webhooks *webhooks, const struct event_query *query,
                    event_each each, void *ctx, struct error *err) {
    return store_event_list(webhooks->config.store, query, each, ctx, err);
}

/* ---- a page that takes long ---- */

struct reading {
    uv_work_t work;
    struct event_query query;
    event_each each;
    void (*done)(void *ctx, struct error *err);
    void *ctx;
    struct error err;
    char *path, *sandbox_id; /* its own */
};

static void free_reading(struct reading *reading) {
    free(reading->path);
    free(reading->sandbox_id);
    free(reading);
}

static void read_page(uv_work_t *work) {
    struct reading *reading = container_of(work, struct reading, work);
    struct store *store = store_open_reader(reading->path, &reading->err);
    if (!store)
        return;
    store_event_list(store, &reading->query, reading->each, reading->ctx, &reading->err);
    store_close(store);
}

static void on_page_read(uv_work_t *work, int status) {
    struct reading *reading = container_of(work, struct reading, work);
    (void)status;
    reading->done(reading->ctx, &reading->err);
    free_reading(reading);
}

bool history_events_later(const struct webhooks *webhooks, const struct event_query *query,
                          event_each each, void (*done)(void *ctx, struct error *err), void *ctx,
                          struct error *err) {
    struct reading *reading = calloc(1, sizeof(*reading));
    if (reading) {
        *reading = (struct reading){.query = *query, .each = each, .done = done, .ctx = ctx};
        reading->path = strdup(store_path(webhooks->config.store));
        reading->sandbox_id = query->sandbox_id ? strdup(query->sandbox_id) : NULL;
        reading->query.sandbox_id = reading->sandbox_id;
        if (reading->path && (reading->sandbox_id || !query->sandbox_id) &&
            uv_queue_work(webhooks->config.loop, &reading->work, read_page, on_page_read) == 0)
            return true;
        free_reading(reading);
    }
    return error_errno(err, ENOMEM, "cannot list the events");
}

/* ---- deliveries ---- */

bool history_deliveries(const struct webhook *webhook, struct delivery_query *query,
                        bool (*each)(void *ctx, const struct event_row *event,
                                     const struct delivery_row *delivery),
                        void *ctx, struct error *err) {
    query->webhook = webhook->number;
    return store_delivery_list(webhook->all->config.store, query, each, ctx, err);
}

bool history_stats(const struct webhook *webhook, struct delivery_query *query, int64_t bucket_ms,
                   void (*each)(void *ctx, const struct delivery_stats *stats), void *ctx,
                   struct error *err) {
    query->webhook = webhook->number;
    return store_delivery_stats(webhook->all->config.store, query, bucket_ms, each, ctx, err);
}

bool history_resend(struct webhook *webhook, const char *event_id, struct error *err) {
    struct store *store = webhook->all->config.store;
    int64_t now = steady_now_ms(), event;
    if (!webhook->enabled) {
        error_set(err, ERR_CONFLICT, "the webhook is not enabled");
        return error_hint(err, "enable it first");
    }
    if (!store_delivery_find(store, webhook->number, event_id, &event, err) ||
        !store_retry_put(store, webhook->number, event,
                         &(struct retry_row){.due_ms = now, .first_ms = now}, err) ||
        !store_retry_count(store, webhook->number, &webhook->retry_count, err))
        return false;
    webhook->due_ms = now;
    delivery_wake(webhook->all, 0);
    return true;
}

bool history_trigger(struct webhooks *webhooks, enum event_type type, const char *sandbox_id,
                     char id[static ID_UUID], struct error *err) {
    char sandbox[ID_SANDBOX], execution[ID_UUID];
    ids_uuid(id);
    ids_uuid(execution);
    ids_sandbox(sandbox);
    const struct event_row row = {
        .id = id,
        .type = type,
        .sandbox_id = sandbox_id ? sandbox_id : sandbox,
        .template_id = "synthetic",
        .build_id = "00000000-0000-0000-0000-000000000000",
        .execution_id = execution,
        .at_ms = clock_now_ms(),
        .data = "{\"sandbox_metadata\":{\"synthetic\":\"true\"}}",
    };
    struct store *store = webhooks->config.store;
    if (!store_begin(store, err))
        return false;
    if (store_event_insert(store, &row, err))
        return store_commit(store, err);
    store_rollback(store);
    return false;
}
