/* SPDX-License-Identifier: Apache-2.0
 *
 * What webhook.c, delivery.c and delivery_result.c share.
 */
#ifndef E2B_CORE_WEBHOOK_INTERNAL_H
#define E2B_CORE_WEBHOOK_INTERNAL_H

#include "backend/core/webhook.h"

struct webhooks {
    struct webhooks_config config;
    struct webhook *first;
    unsigned count, sending;
    int64_t newest;                    /* the last event that was looked at */
    struct webhook *turn;              /* who is served first next time; NULL: the first */
    struct delivery *done, *last_done; /* their outcome is not written yet */
    unsigned done_count;
    uv_timer_t *timer, *retention;
    int64_t timer_ms; /* loop time; INT64_MAX: not running */
    int64_t looked_ms;
    int64_t oldest; /* the first event that is left, as far as is known */
};

/* ---- webhook.c ---- */
void webhook_free(struct webhook *webhook);
struct webhook_row webhook_row(const struct webhook *webhook);

/* ---- delivery.c ---- */
bool delivery_start(struct webhooks *webhooks);
void delivery_stop(struct webhooks *webhooks);
/* Has it looked after what is due, in so many milliseconds at the latest. */
void delivery_wake(struct webhooks *webhooks, int64_t in_ms);
void delivery_free(struct delivery *delivery);
void delivery_free_all(struct delivery *list); /* of a webhook */
/* There is room: sends what is at hand, without asking the store. */
void delivery_go_on(struct webhook *webhook);
/* Takes it out of its webhook's list. */
void delivery_unlink(struct delivery *delivery);
/* Forgets what was taken but is not being sent; it will be read again. */
void delivery_forget_waiting(struct webhook *webhook);

/* ---- retention.c ---- */
bool retention_start(struct webhooks *webhooks);
void retention_stop(struct webhooks *webhooks);

/* ---- delivery_result.c ---- */
/* Writes at most so many outcomes, all or none. */
bool delivery_record(struct webhooks *webhooks, unsigned most, struct error *err);

#endif
