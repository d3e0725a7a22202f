/* SPDX-License-Identifier: Apache-2.0
 *
 * Posts deliveries: libcurl in threads of its own, so that neither connections nor TLS nor
 * signatures take time from those who wait for a sandbox. They share nothing with the main thread
 * but queues. Only http and https, no redirects, no proxies; every attempt is bounded in time, and
 * so is what is kept of an answer.
 */
#ifndef E2B_DAEMON_SENDER_H
#define E2B_DAEMON_SENDER_H

#include "backend/core/delivery.h"

#include <uv.h>

struct sender;

struct sender_config {
    uv_loop_t *loop; /* where `delivered` is called */
    const char *team_id;
    int64_t timeout_ms;
    bool refuse_private; /* addresses of this machine and of private networks */
    void (*delivered)(void *ctx, struct delivery *delivery);
    void *ctx;
};

struct sender *sender_start(const struct sender_config *config, struct error *err);
/* Breaks off what is being sent, of which core hears no more. The loop does not run any more. */
void sender_stop(struct sender *sender);
void sender_send(struct sender *sender, struct delivery *delivery);

#endif
