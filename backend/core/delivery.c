/* SPDX-License-Identifier: Apache-2.0
 *
 * What is due, and who is served. Each webhook takes a few events from its place on and holds them
 * until they were delivered or are written down as to be tried again; the place that is kept is
 * behind those. Webhooks are served in turn, each with a few deliveries at a time; one whose
 * receiver fails all the time gets a single one. An outcome makes room for the next delivery at
 * once, while outcomes are written many together.
 *
 * While requests are being served, only a little is done at a time, and not often.
 */
#include "backend/core/delivery.h"

#include "backend/core/steady.h"
#include "backend/core/webhook_internal.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    WINDOW = 64,         /* events that a webhook holds in memory, if they are few webhooks, */
    HELD = 4096,         /* and all together if they are many */
    MAX_RETRIES = 10000, /* of one webhook; then it is read no further */
    DEAD_FAILURES = 10,  /* in a row: one delivery at a time from then on */
    PORTION = 128,       /* outcomes written, and deliveries begun, at once */
    GATHER_MS = 10,      /* so long outcomes may wait for more of them */
    BUSY_PORTION = 24,   /* the same while requests are being served, */
    BUSY_PAUSE_MS = 40,  /* and the pause between such portions */
    BROKEN_PAUSE_MS = 1000,
    LOOK_AGAIN_MS = 5000, /* timers do not go on while the machine sleeps */
};

/* ---- one delivery ---- */

void delivery_free(struct delivery *delivery) {
    free(delivery->response_headers);
    free(delivery->response_body);
    free(delivery);
}

void delivery_free_all(struct delivery *list) {
    while (list) {
        struct delivery *delivery = list;
        list = delivery->next;
        delivery_free(delivery);
    }
}

static size_t text_size(const char *text) {
    return text ? strlen(text) + 1 : 0;
}

static const char *put_text(char **at, const char *text) {
    size_t size = text_size(text);
    const char *copy = text ? *at : NULL;
    if (text)
        memcpy(*at, text, size);
    *at += size;
    return copy;
}

static struct delivery *delivery_new(struct webhook *webhook, const struct event_row *event) {
    size_t size = text_size(webhook->url) + text_size(webhook->secret) + text_size(event->id) +
                  text_size(event->sandbox_id) + text_size(event->template_id) +
                  text_size(event->build_id) + text_size(event->execution_id) +
                  text_size(event->data);
    struct delivery *delivery = malloc(sizeof(*delivery) + size);
    if (!delivery)
        return NULL;
    char *at = delivery->strings;
    *delivery = (struct delivery){.webhook = webhook, .event = *event};
    memcpy(delivery->webhook_id, webhook->id, sizeof(delivery->webhook_id));
    delivery->url = put_text(&at, webhook->url);
    delivery->secret = put_text(&at, webhook->secret);
    delivery->event.id = put_text(&at, event->id);
    delivery->event.sandbox_id = put_text(&at, event->sandbox_id);
    delivery->event.template_id = put_text(&at, event->template_id);
    delivery->event.build_id = put_text(&at, event->build_id);
    delivery->event.execution_id = put_text(&at, event->execution_id);
    delivery->event.data = put_text(&at, event->data);
    return delivery;
}

/* ---- the lists of a webhook ---- */

void delivery_unlink(struct delivery *delivery) {
    struct webhook *webhook = delivery->webhook;
    struct delivery **at = delivery->is_repeat ? &webhook->repeated : &webhook->deliveries;
    while (*at != delivery)
        at = &(*at)->next;
    *at = delivery->next;
    webhook->waiting -= delivery->stage == DELIVERY_WAITING;
    webhook->held -= !delivery->is_repeat;
}

void delivery_forget_waiting(struct webhook *webhook) {
    struct delivery *at = webhook->deliveries, *next;
    for (; at; at = next) {
        next = at->next;
        if (at->stage != DELIVERY_WAITING)
            continue;
        webhook->position = MIN(webhook->position, at->event.seq - 1);
        delivery_unlink(at);
        delivery_free(at);
    }
}

static const struct delivery *find(const struct delivery *list, int64_t event) {
    while (list && list->event.seq != event)
        list = list->next;
    return list;
}

struct taking {
    struct webhook *webhook;
    int64_t count, last;
    bool failed;
};

/* In the order of the events. */
static void on_event(void *ctx, const struct event_row *event) {
    struct taking *taking = ctx;
    struct webhook *webhook = taking->webhook;
    taking->count++;
    if (taking->failed || find(webhook->deliveries, event->seq))
        return;
    struct delivery *delivery = delivery_new(webhook, event), **at = &webhook->deliveries;
    taking->failed = !delivery;
    if (!delivery)
        return;
    while (*at && (*at)->event.seq < event->seq)
        at = &(*at)->next;
    delivery->next = *at;
    *at = delivery;
    webhook->waiting++;
    webhook->held++;
    taking->last = event->seq;
}

static int64_t window(const struct webhooks *all) {
    int64_t share = MIN(HELD / (int64_t)MAX(all->count, 1U), (int64_t)WINDOW);
    return MAX(share, all->config.settings.per_webhook);
}

/* Some of the events behind its place; with fewer than there is room for it has seen them all. */
static bool take_events(struct webhook *webhook, struct error *err) {
    const struct webhooks *all = webhook->all;
    struct taking taking = {.webhook = webhook, .last = webhook->position};
    int64_t room = window(all) - webhook->held;
    if (webhook->waiting > window(all) / 2 || room <= 0 || webhook->position >= all->newest ||
        webhook->retry_count >= MAX_RETRIES)
        return true;
    if (!store_event_untried(all->config.store, webhook->number, webhook->position, webhook->types,
                             room, on_event, &taking, err))
        return false;
    if (taking.failed)
        return error_errno(err, ENOMEM, "cannot deliver events");
    webhook->position = taking.count < room ? MAX(all->newest, taking.last) : taking.last;
    return true;
}

/* ---- sending ---- */

static void begin(struct delivery *delivery) {
    struct webhook *webhook = delivery->webhook;
    struct webhooks *all = webhook->all;
    webhook->waiting -= !delivery->is_repeat;
    webhook->sending++;
    all->sending++;
    delivery->stage = DELIVERY_SENDING;
    ids_uuid(delivery->id);
    all->config.sender.send(all->config.sender.ctx, delivery);
}

/* Receivers that hang, all but one of them, still leave that one its share. */
static unsigned allowed(const struct webhook *webhook) {
    const struct delivery_settings *settings = &webhook->all->config.settings;
    const int64_t share = MAX(settings->in_all / MAX(webhook->all->count, 1U), INT64_C(1));
    return webhook->failures >= DEAD_FAILURES ? 1 : (unsigned)MIN(settings->per_webhook, share);
}

static bool has_room(const struct webhook *webhook, unsigned most) {
    return webhook->sending < most &&
           webhook->all->sending < (unsigned)webhook->all->config.settings.in_all;
}

/* The first whose sandbox is not being told of something else. */
static struct delivery *next_waiting(const struct webhook *webhook) {
    for (struct delivery *at = webhook->deliveries; at; at = at->next) {
        const struct delivery *other = webhook->deliveries;
        if (at->stage != DELIVERY_WAITING)
            continue;
        while (other != at && (other->stage >= DELIVERY_SETTLED ||
                               strcmp(other->event.sandbox_id, at->event.sandbox_id) != 0))
            other = other->next;
        if (other == at)
            return at;
    }
    return NULL;
}

static void on_retry(void *ctx, const struct event_row *event, const struct retry_row *retry) {
    struct taking *taking = ctx;
    struct webhook *webhook = taking->webhook;
    if (find(webhook->repeated, event->seq) || !has_room(webhook, (unsigned)taking->last))
        return;
    struct delivery *delivery = delivery_new(webhook, event);
    if (!delivery)
        return; /* it stays due */
    delivery->is_repeat = true;
    delivery->retry = *retry;
    delivery->next = webhook->repeated;
    webhook->repeated = delivery;
    taking->count++;
    begin(delivery);
}

/* Half of the room is for what is new, as long as there is room for both. */
static bool send_retries(struct webhook *webhook, int64_t now, struct error *err) {
    struct store *store = webhook->all->config.store;
    unsigned most = (allowed(webhook) + 1) / 2;
    struct taking taking = {.webhook = webhook, .last = most};
    if (webhook->due_ms > now || !has_room(webhook, most))
        return true;
    return store_retry_due(store, webhook->number, now, most + webhook->sending, on_retry, &taking,
                           err) &&
           (taking.count || store_retry_next(store, webhook->number, now, &webhook->due_ms, err));
}

static void send_waiting(struct webhook *webhook) {
    struct delivery *delivery;
    while (has_room(webhook, allowed(webhook)) && (delivery = next_waiting(webhook)))
        begin(delivery);
}

void delivery_go_on(struct webhook *webhook) {
    struct webhooks *all = webhook->all;
    const struct delivery_sender *sender = &all->config.sender;
    if (webhook->enabled && !webhook->gone && !sender->is_busy(sender->ctx))
        send_waiting(webhook);
    bool runs_dry =
        webhook->waiting < all->config.settings.per_webhook && webhook->position < all->newest;
    delivery_wake(all, runs_dry || all->done_count >= PORTION ? 0 : GATHER_MS);
}

static bool serve(struct webhook *webhook, int64_t now, struct error *err) {
    if (!webhook->enabled)
        return true;
    if (!send_retries(webhook, now, err) || !take_events(webhook, err))
        return false;
    send_waiting(webhook);
    return true;
}

/* ---- taking turns ---- */

/* Webhooks that have seen all events, and want none of the new ones, have seen the new ones too. */
static bool look_for_news(struct webhooks *webhooks, struct error *err) {
    int64_t before = webhooks->newest;
    unsigned types;
    if (!store_event_news(webhooks->config.store, &webhooks->newest, &types, err))
        return false;
    for (struct webhook *at = webhooks->first; at && webhooks->newest > before; at = at->next)
        if (at->position == before && !(at->types & types))
            at->position = webhooks->newest;
    return true;
}

static bool serve_in_turn(struct webhooks *webhooks, unsigned portion, struct error *err) {
    int64_t now = steady_now_ms();
    unsigned before = webhooks->sending, served = 0;
    struct webhook *at = webhooks->turn ? webhooks->turn : webhooks->first;
    for (; served < webhooks->count && webhooks->sending < before + portion; served++) {
        if (!serve(at, now, err))
            return false;
        at = at->next ? at->next : webhooks->first;
    }
    webhooks->turn = at;
    if (served < webhooks->count)
        delivery_wake(webhooks, 0);
    return true;
}

/* What is due already waits for room, and then an outcome wakes us. */
static void wake_for_retries(struct webhooks *webhooks) {
    int64_t now = steady_now_ms(), due = INT64_MAX;
    for (const struct webhook *at = webhooks->first; at; at = at->next)
        if (at->enabled && at->due_ms > now)
            due = MIN(due, at->due_ms);
    if (due != INT64_MAX)
        delivery_wake(webhooks, MIN(due - now, (int64_t)LOOK_AGAIN_MS));
}

static void look(struct webhooks *webhooks, unsigned portion) {
    struct error err = ERROR_INIT;
    webhooks->looked_ms = (int64_t)uv_now(webhooks->config.loop);
    if (delivery_record(webhooks, portion, &err) && look_for_news(webhooks, &err) &&
        serve_in_turn(webhooks, portion, &err)) {
        wake_for_retries(webhooks);
        return;
    }
    log_warn("webhooks have to wait", "error", err.message);
    delivery_wake(webhooks, BROKEN_PAUSE_MS);
}

static void on_timer(uv_timer_t *timer) {
    struct webhooks *webhooks = timer->data;
    const struct delivery_sender *sender = &webhooks->config.sender;
    int64_t pause = webhooks->looked_ms + BUSY_PAUSE_MS - (int64_t)uv_now(timer->loop);
    webhooks->timer_ms = INT64_MAX;
    bool busy = sender->is_busy(sender->ctx);
    if (busy && pause > 0)
        delivery_wake(webhooks, pause);
    else
        look(webhooks, busy ? BUSY_PORTION : PORTION);
}

void delivery_wake(struct webhooks *webhooks, int64_t in_ms) {
    uv_timer_t *timer = webhooks->timer;
    int64_t at = (int64_t)uv_now(webhooks->config.loop) + in_ms;
    if (at >= webhooks->timer_ms)
        return;
    webhooks->timer_ms = at;
    uv_timer_start(timer, on_timer, (uint64_t)in_ms, 0);
}

static void on_events(void *ctx) {
    delivery_wake(ctx, 0);
}

bool delivery_start(struct webhooks *webhooks) {
    webhooks->timer_ms = INT64_MAX;
    webhooks->timer = malloc(sizeof(*webhooks->timer));
    if (!webhooks->timer)
        return false;
    uv_timer_init(webhooks->config.loop, webhooks->timer);
    webhooks->timer->data = webhooks;
    store_on_events(webhooks->config.store, on_events, webhooks);
    delivery_wake(webhooks, 0);
    return true;
}

static void on_closed(uv_handle_t *handle) {
    free(handle);
}

void delivery_stop(struct webhooks *webhooks) {
    struct error err = ERROR_INIT;
    store_on_events(webhooks->config.store, NULL, NULL);
    if (!delivery_record(webhooks, UINT32_MAX, &err))
        log_warn("outcomes of deliveries were not recorded", "error", err.message);
    if (webhooks->timer)
        uv_close((uv_handle_t *)webhooks->timer, on_closed);
}
