/* SPDX-License-Identifier: Apache-2.0
 *
 * What became of attempts. Outcomes are written many at a time, in one transaction with the place
 * of each webhook; a daemon that dies before has sent something that the next one sends again.
 */
#include "backend/core/steady.h"
#include "backend/core/webhook_internal.h"
#include "common/log.h"

/* ---- what an outcome means ---- */

static void settle(struct delivery *delivery) {
    struct webhook *webhook = delivery->webhook;
    const struct delivery_settings *settings = &webhook->all->config.settings;
    struct retry_row *retry = &delivery->retry;
    int64_t now = steady_now_ms();
    uint32_t random;
    delivery->stage = DELIVERY_SETTLED;
    if (!delivery->error) {
        webhook->failures = webhook->failing_ms = 0;
        return;
    }
    if (!webhook->failures++)
        webhook->failing_ms = delivery->at_ms;
    if (!retry->attempts++)
        retry->first_ms = now - delivery->duration_ms;
    ids_random(&random, sizeof(random));
    retry->due_ms = now + delivery_delay_ms(settings, retry->attempts, random);
    delivery->again = webhook->enabled && (webhook->types & event_type_bit(delivery->event.type)) &&
                      !delivery_is_hopeless(settings, retry->attempts, now - retry->first_ms);
    if (!delivery->again)
        log_warn("a webhook delivery is given up", "webhook", webhook->id, "event",
                 delivery->event.id, "error", delivery->message);
}

void webhooks_delivered(struct webhooks *webhooks, struct delivery *delivery) {
    delivery->queue = NULL;
    if (webhooks->last_done)
        webhooks->last_done->queue = delivery;
    else
        webhooks->done = delivery;
    webhooks->last_done = delivery;
    webhooks->done_count++;
    webhooks->sending--;
    delivery->webhook->sending--;
    settle(delivery);
    delivery_go_on(delivery->webhook);
}

bool webhooks_pending(const struct webhooks *webhooks) {
    for (const struct webhook *at = webhooks->first; at; at = at->next)
        if (at->enabled && at->failures < WEBHOOK_FAILING &&
            (at->deliveries || at->repeated || at->retry_count || at->position < webhooks->newest))
            return true;
    return false;
}

/* ---- into the store ---- */

/* Behind everything whose outcome will not be forgotten. */
static int64_t cursor_of(const struct webhook *webhook) {
    const struct delivery *at = webhook->deliveries;
    while (at && at->stage == DELIVERY_RECORDED)
        at = at->next;
    return at ? at->event.seq - 1 : webhook->position;
}

static bool write_attempt(struct store *store, const struct delivery *delivery, struct error *err) {
    const struct delivery_row row = {
        .id = delivery->id,
        .at_ms = delivery->at_ms,
        .duration_ms = delivery->duration_ms,
        .status = delivery->status,
        .error = delivery->error,
        .message = delivery->error ? delivery->message : NULL,
        .url = delivery->url,
        .response_headers = delivery->response_headers,
        .response_body = delivery->response_body,
    };
    return store_delivery_insert(store, delivery->webhook->number, delivery->event.seq, &row, err);
}

static bool write_outcome(struct store *store, const struct delivery *delivery, struct error *err) {
    const struct webhook *webhook = delivery->webhook;
    if (webhook->gone)
        return true;
    if (!write_attempt(store, delivery, err))
        return false;
    if (delivery->again)
        return store_retry_put(store, webhook->number, delivery->event.seq, &delivery->retry, err);
    return !delivery->is_repeat ||
           store_retry_delete(store, webhook->number, delivery->event.seq, err);
}

static bool write_progress(struct store *store, struct webhook *webhook, struct error *err) {
    webhook->cursor = cursor_of(webhook);
    const struct webhook_row row = webhook_row(webhook);
    return webhook->gone || store_webhook_set_progress(store, &row, err);
}

static bool write_all(struct webhooks *webhooks, unsigned most, struct error *err) {
    struct store *store = webhooks->config.store;
    struct delivery *at = webhooks->done;
    bool ok = true;
    for (unsigned i = 0; ok && at && i < most; i++, at = at->queue) {
        at->webhook->changed = true;
        at->stage = DELIVERY_RECORDED;
        ok = write_outcome(store, at, err);
    }
    at = webhooks->done;
    for (unsigned i = 0; ok && at && i < most; i++, at = at->queue) {
        if (at->webhook->changed)
            ok = write_progress(store, at->webhook, err);
        at->webhook->changed = false;
    }
    return ok;
}

/* ---- done with it ---- */

static void retire(struct delivery *delivery) {
    struct webhook *webhook = delivery->webhook;
    webhook->retry_count += (int)delivery->again - (int)delivery->is_repeat;
    webhook->retry_count = MAX(webhook->retry_count, (int64_t)0);
    if (delivery->again)
        webhook->due_ms = MIN(webhook->due_ms, delivery->retry.due_ms);
    delivery_unlink(delivery);
    delivery_free(delivery);
    if (webhook->gone && !webhook->deliveries && !webhook->repeated)
        webhook_free(webhook);
}

static bool write_transaction(struct webhooks *webhooks, unsigned most, struct error *err) {
    struct store *store = webhooks->config.store;
    if (!store_begin(store, err))
        return false;
    if (write_all(webhooks, most, err))
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

bool delivery_record(struct webhooks *webhooks, unsigned most, struct error *err) {
    if (!webhooks->done)
        return true;
    if (!write_transaction(webhooks, most, err)) {
        for (struct delivery *at = webhooks->done; at; at = at->queue)
            at->stage = DELIVERY_SETTLED;
        return false;
    }
    for (unsigned i = 0; webhooks->done && i < most; i++) {
        struct delivery *delivery = webhooks->done;
        webhooks->done = delivery->queue;
        webhooks->done_count--;
        retire(delivery);
    }
    if (webhooks->done)
        delivery_wake(webhooks, 0);
    else
        webhooks->last_done = NULL;
    return true;
}
