/* SPDX-License-Identifier: Apache-2.0
 *
 * One attempt to deliver one event to one webhook, as it travels: core says what is to be
 * delivered, whoever sends it fills the outcome in and gives it back. It holds copies of all it
 * needs, so it can be sent on another thread.
 */
#ifndef E2B_CORE_DELIVERY_H
#define E2B_CORE_DELIVERY_H

#include "backend/store/deliveries.h"
#include "backend/store/retries.h"
#include "common/ids.h"

struct webhook;

enum {
    DELIVERY_MESSAGE = 256,
    DELIVERY_HEADERS = 2048, /* of the answer, cut */
    DELIVERY_BODY = 2048,
};

struct delivery {
    /* Core's own. */
    struct webhook *webhook;
    struct delivery *next;  /* in the webhook's list */
    struct retry_row retry; /* attempts 0: the first */
    enum delivery_stage {
        DELIVERY_WAITING,
        DELIVERY_SENDING,
        DELIVERY_SETTLED,  /* its outcome is known, */
        DELIVERY_RECORDED, /* and is in the transaction that is being written */
    } stage;
    bool is_repeat;
    bool again; /* settled: it is to be tried again, by `retry` */

    char id[ID_UUID];         /* of this attempt */
    char webhook_id[ID_UUID]; /* and what is sent: */
    const char *url, *secret; /* behind the structure, as are the event's strings */
    struct event_row event;

    /* The outcome. The two texts are malloc'ed, or NULL. */
    struct delivery *queue; /* of whoever has it; then of those whose outcome is not written */
    int64_t at_ms, duration_ms;
    int status;
    enum delivery_error error;
    char message[DELIVERY_MESSAGE];
    char *response_headers, *response_body;
    char strings[];
};

/* What core needs of a sender. */
struct delivery_sender {
    /* It is the sender's until webhooks_delivered, which never comes from within the call, or until
     * the sender has stopped. */
    void (*send)(void *ctx, struct delivery *delivery);
    /* Is something under way that must not be slowed down? Then deliveries take turns with it. */
    bool (*is_busy)(void *ctx);
    void *ctx;
};

#endif
