/* SPDX-License-Identifier: Apache-2.0
 *
 * Old events and attempts go, a few at a time: by age, and by number. An event that a webhook has
 * not got by then is lost to it, and its retries with it.
 */
#include "backend/core/steady.h"
#include "backend/core/webhook_internal.h"
#include "common/log.h"

enum {
    LOOK_MS = 60 * 1000,
    MORE_MS = 100, /* while there is more to remove */
    PORTION = 1000,
};

static bool prune_webhook(const struct webhook *webhook, int64_t oldest, struct error *err) {
    const struct webhooks *all = webhook->all;
    return store_delivery_prune(all->config.store, webhook->number,
                                all->config.settings.keep_deliveries, oldest, err) &&
           store_retry_clear(all->config.store, webhook->number, oldest, err);
}

static bool prune(struct webhooks *webhooks, bool *more, struct error *err) {
    const struct delivery_settings *settings = &webhooks->config.settings;
    int64_t oldest = 0, before = webhooks->oldest;
    if (!store_event_prune(webhooks->config.store, steady_ago_ms(settings->keep_ms),
                           settings->keep_events, PORTION, &oldest, err))
        return false;
    webhooks->oldest = oldest;
    *more = before && oldest - before >= PORTION;
    for (const struct webhook *at = webhooks->first; at && !*more; at = at->next)
        if (!prune_webhook(at, oldest, err))
            return false;
    return true;
}

static void on_timer(uv_timer_t *timer) {
    struct error err = ERROR_INIT;
    bool more = false;
    if (!prune(timer->data, &more, &err))
        log_warn("old events stay", "error", err.message);
    uv_timer_start(timer, on_timer, more ? MORE_MS : LOOK_MS, 0);
}

bool retention_start(struct webhooks *webhooks) {
    webhooks->retention = malloc(sizeof(*webhooks->retention));
    if (!webhooks->retention)
        return false;
    uv_timer_init(webhooks->config.loop, webhooks->retention);
    webhooks->retention->data = webhooks;
    uv_timer_start(webhooks->retention, on_timer, LOOK_MS, 0);
    return true;
}

static void on_closed(uv_handle_t *handle) {
    free(handle);
}

void retention_stop(struct webhooks *webhooks) {
    if (webhooks->retention)
        uv_close((uv_handle_t *)webhooks->retention, on_closed);
}
