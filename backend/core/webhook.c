/* SPDX-License-Identifier: Apache-2.0
 *
 * All webhooks, in memory as in the store.
 */
#include "backend/core/webhook.h"

#include "backend/core/webhook_check.h"
#include "backend/core/webhook_internal.h"
#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void webhook_free(struct webhook *webhook) {
    free(webhook->name);
    free(webhook->url);
    free(webhook->secret);
    free(webhook);
}

struct webhook_row webhook_row(const struct webhook *webhook) {
    return (struct webhook_row){
        .number = webhook->number,
        .id = webhook->id,
        .name = webhook->name,
        .url = webhook->url,
        .secret = webhook->secret,
        .types = webhook->types,
        .enabled = webhook->enabled,
        .created_ms = webhook->created_ms,
        .cursor = webhook->cursor,
        .failures = webhook->failures,
        .failing_ms = webhook->failing_ms,
    };
}

static struct webhook *webhook_new(struct webhooks *all, const struct webhook_row *row) {
    struct webhook *webhook = calloc(1, sizeof(*webhook));
    if (!webhook)
        return NULL;
    *webhook = (struct webhook){
        .name = strdup(row->name),
        .url = strdup(row->url),
        .secret = strdup(row->secret),
        .types = row->types,
        .enabled = row->enabled,
        .created_ms = row->created_ms,
        .failures = row->failures,
        .failing_ms = row->failing_ms,
        .all = all,
        .number = row->number,
        .cursor = row->cursor,
        .position = row->cursor,
        .due_ms = INT64_MAX,
    };
    snprintf(webhook->id, sizeof(webhook->id), "%s", row->id);
    if (webhook->name && webhook->url && webhook->secret)
        return webhook;
    webhook_free(webhook);
    return NULL;
}

static void enter(struct webhook *webhook) {
    struct webhook **at = &webhook->all->first;
    while (*at)
        at = &(*at)->next;
    *at = webhook;
    webhook->all->count++;
}

/* ---- start and stop ---- */

struct loading {
    struct webhooks *webhooks;
    bool failed;
};

static void on_row(void *ctx, const struct webhook_row *row) {
    struct loading *loading = ctx;
    struct webhook *webhook = webhook_new(loading->webhooks, row);
    loading->failed |= !webhook;
    if (webhook)
        enter(webhook);
}

static bool load(struct webhooks *webhooks, struct error *err) {
    struct store *store = webhooks->config.store;
    struct loading loading = {.webhooks = webhooks};
    unsigned types;
    if (!store_event_news(store, &webhooks->newest, &types, err) ||
        !store_webhook_each(store, on_row, &loading, err))
        return false;
    if (loading.failed)
        return error_errno(err, ENOMEM, "cannot load the webhooks");
    for (struct webhook *at = webhooks->first; at; at = at->next) {
        if (!store_retry_count(store, at->number, &at->retry_count, err))
            return false;
        at->due_ms = at->retry_count ? 0 : INT64_MAX;
    }
    return true;
}

struct webhooks *webhooks_start(const struct webhooks_config *config, struct error *err) {
    struct webhooks *webhooks = calloc(1, sizeof(*webhooks));
    if (!webhooks) {
        error_errno(err, ENOMEM, "cannot start the webhooks");
        return NULL;
    }
    webhooks->config = *config;
    if (load(webhooks, err)) {
        if (delivery_start(webhooks) && retention_start(webhooks))
            return webhooks;
        error_errno(err, ENOMEM, "cannot start the webhooks");
    }
    webhooks_stop(webhooks);
    return NULL;
}

void webhooks_stop(struct webhooks *webhooks) {
    delivery_stop(webhooks);
    retention_stop(webhooks);
    while (webhooks->first) {
        struct webhook *webhook = webhooks->first;
        webhooks->first = webhook->next;
        delivery_free_all(webhook->deliveries);
        delivery_free_all(webhook->repeated);
        webhook_free(webhook);
    }
    free(webhooks);
}

/* ---- looking ---- */

struct webhook *webhooks_first(const struct webhooks *webhooks) {
    return webhooks->first;
}

struct webhook *webhook_find(const struct webhooks *webhooks, const char *id, struct error *err) {
    struct webhook *at = webhooks->first;
    while (at && strcasecmp(at->id, id) != 0)
        at = at->next;
    if (!at)
        error_set(err, ERR_NOT_FOUND, "there is no webhook \"%.40s\"", id);
    return at;
}

/* ---- changing ---- */

struct webhook *webhook_create(struct webhooks *webhooks, const struct webhook_request *request,
                               struct error *err) {
    char id[ID_UUID];
    if (!webhook_check(request, err))
        return NULL;
    if (webhooks->count >= WEBHOOK_MAX_COUNT) {
        error_set(err, ERR_LIMIT, "there are %d webhooks already", WEBHOOK_MAX_COUNT);
        return NULL;
    }
    ids_uuid(id);
    struct webhook_row row = {
        .id = id,
        .name = request->name,
        .url = request->url,
        .secret = request->secret,
        .types = (unsigned)request->types,
        .enabled = request->enabled != 0,
        .created_ms = clock_now_ms(),
    };
    if (!store_event_newest(webhooks->config.store, &row.cursor, err))
        return NULL;
    struct webhook *webhook = webhook_new(webhooks, &row);
    if (!webhook) {
        error_errno(err, ENOMEM, "cannot make a webhook");
        return NULL;
    }
    if (!store_webhook_insert(webhooks->config.store, &row, err)) {
        webhook_free(webhook);
        return NULL;
    }
    webhook->number = row.number;
    enter(webhook);
    return webhook;
}

static void take_text(char **to, char **from) {
    free(*to);
    *to = steal_ptr(from);
}

/* Of what waited, that which is not wanted any more is forgotten, in one transaction with the row;
 * or all of it, and what comes counts from now. */
static bool write_update(const struct webhook *webhook, struct webhook_row *row, bool begins_anew,
                         int64_t *retries, struct error *err) {
    struct store *store = webhook->all->config.store;
    if (!store_begin(store, err))
        return false;
    bool ok = begins_anew ? store_event_newest(store, &row->cursor, err) &&
                                store_retry_clear(store, webhook->number, INT64_MAX, err)
                          : store_retry_clear_types(store, webhook->number, row->types, err);
    if (ok && store_retry_count(store, webhook->number, retries, err) &&
        store_webhook_update(store, row, err))
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

/* They may be under way, and come back once more, but are not tried again. */
static void give_up(struct webhook *webhook, struct delivery *list, unsigned types) {
    for (struct delivery *at = list; at; at = at->next) {
        if (types & event_type_bit(at->event.type))
            continue;
        at->again = false;
        webhook->retry_count += at->is_repeat;
    }
}

static void begin_anew(struct webhook *webhook, int64_t cursor) {
    webhook->position = webhook->cursor = cursor;
    webhook->due_ms = INT64_MAX;
    webhook->failures = webhook->failing_ms = 0;
}

bool webhook_update(struct webhook *webhook, const struct webhook_request *request,
                    struct error *err) {
    if (!webhook_check(request, err))
        return false;
    struct webhook_row row = webhook_row(webhook);
    cleanup_free char *name = strdup(request->name ? request->name : webhook->name);
    cleanup_free char *url = strdup(request->url ? request->url : webhook->url);
    cleanup_free char *secret = strdup(request->secret ? request->secret : webhook->secret);
    if (!name || !url || !secret)
        return error_errno(err, ENOMEM, "cannot update the webhook");
    row.name = name;
    row.url = url;
    row.secret = secret;
    row.types = request->types < 0 ? webhook->types : (unsigned)request->types;
    row.enabled = request->enabled < 0 ? webhook->enabled : request->enabled != 0;
    bool begins_anew = row.enabled != webhook->enabled;
    int64_t retries = 0;
    if (!write_update(webhook, &row, begins_anew, &retries, err))
        return false;
    take_text(&webhook->name, &name);
    take_text(&webhook->url, &url);
    take_text(&webhook->secret, &secret);
    webhook->types = row.types;
    webhook->enabled = row.enabled;
    delivery_forget_waiting(webhook); /* it would go to where the others went */
    webhook->retry_count = retries;
    give_up(webhook, webhook->deliveries, begins_anew ? 0 : row.types);
    give_up(webhook, webhook->repeated, begins_anew ? 0 : row.types);
    if (begins_anew)
        begin_anew(webhook, row.cursor);
    delivery_wake(webhook->all, 0);
    return true;
}

static bool write_delete(const struct webhook *webhook, struct error *err) {
    struct store *store = webhook->all->config.store;
    if (!store_begin(store, err))
        return false;
    if (store_retry_clear(store, webhook->number, INT64_MAX, err) &&
        store_delivery_clear(store, webhook->number, err) &&
        store_webhook_delete(store, webhook->number, err))
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

/* What is being sent to it comes back later, and only then it can be freed. */
bool webhook_delete(struct webhook *webhook, struct error *err) {
    struct webhooks *all = webhook->all;
    struct webhook **at = &all->first;
    if (!write_delete(webhook, err))
        return false;
    while (*at != webhook)
        at = &(*at)->next;
    *at = webhook->next;
    all->count--;
    all->turn = all->turn == webhook ? webhook->next : all->turn;
    delivery_forget_waiting(webhook);
    webhook->gone = true;
    if (!webhook->deliveries && !webhook->repeated)
        webhook_free(webhook);
    return true;
}
