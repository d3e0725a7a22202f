/* SPDX-License-Identifier: Apache-2.0
 *
 * What a webhook is and may do: who wants which events where. Each holds a place in the events, so
 * an event costs the same however many subscribers it has; what is due is read from there when
 * there is time for it. Delivered at least once: an event that did not arrive is tried again for a
 * day or longer, while the others go on. Events of one sandbox arrive in their order as long as the
 * receiver takes them. All on the loop's thread.
 */
#ifndef E2B_CORE_WEBHOOK_H
#define E2B_CORE_WEBHOOK_H

#include "backend/core/delivery.h"
#include "backend/core/delivery_settings.h"
#include "backend/store/webhooks.h"

#include <uv.h>

enum {
    WEBHOOK_MAX_NAME = 256,
    WEBHOOK_MAX_URL = 2048,
    WEBHOOK_MAX_SECRET = 512,
    WEBHOOK_MAX_COUNT = 10000,
    WEBHOOK_FAILING = 3, /* so many failures in a row are called failing */
};

struct webhooks;

struct webhook {
    char id[ID_UUID];
    char *name, *url, *secret;
    unsigned types; /* bits */
    bool enabled;
    int64_t created_ms;
    int64_t failures, failing_ms; /* attempts since the last success, and when the first was */
    int64_t retry_count;          /* events that were tried and did not arrive yet */

    struct webhook *next;
    /* core's own */
    struct webhooks *all;
    int64_t number, cursor, position; /* position: what comes next is behind it */
    int64_t due_ms;                   /* when the next retry is; INT64_MAX: none */
    struct delivery *deliveries;      /* taken from the events; by number, the first attempts */
    struct delivery *repeated;        /* taken from the retries */
    unsigned waiting, sending;
    unsigned held; /* in `deliveries`: those that wait, are sent, or are not recorded yet */
    bool gone, changed;
};

struct webhooks_config {
    uv_loop_t *loop;
    struct store *store;
    struct delivery_settings settings;
    struct delivery_sender sender;
};

struct webhooks *webhooks_start(const struct webhooks_config *config, struct error *err);
/* After the sender: what it had not sent is sent by the next daemon. The loop runs no more. */
void webhooks_stop(struct webhooks *webhooks);
/* The sender's answer; `delivery` is core's again. */
void webhooks_delivered(struct webhooks *webhooks, struct delivery *delivery);
/* Is there anything that a healthy receiver waits for? */
bool webhooks_pending(const struct webhooks *webhooks);

struct webhook *webhooks_first(const struct webhooks *webhooks); /* oldest first */
struct webhook *webhook_find(const struct webhooks *webhooks, const char *id, struct error *err);

/* What is NULL or negative is left as it is; a new one needs name, url, secret and types. */
struct webhook_request {
    const char *name, *url, *secret;
    int64_t types;
    int enabled;
};
struct webhook *webhook_create(struct webhooks *webhooks, const struct webhook_request *request,
                               struct error *err);
/* One that is switched off forgets what it waited for; switched on, it begins with what is new. */
bool webhook_update(struct webhook *webhook, const struct webhook_request *request,
                    struct error *err);
bool webhook_delete(struct webhook *webhook, struct error *err);
#endif
