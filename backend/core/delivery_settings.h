/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers of webhook deliveries: how patient, how often, how many at once, how long things are
 * remembered. Each can be set by an environment variable of the daemon, which tests use.
 */
#ifndef E2B_CORE_DELIVERY_SETTINGS_H
#define E2B_CORE_DELIVERY_SETTINGS_H

#include "common/util.h"

struct delivery_settings {
    int64_t timeout_ms;     /* of one attempt */
    int64_t first_delay_ms; /* before the second attempt; then twice as long each time ... */
    int64_t max_delay_ms;   /* ... up to this */
    int64_t give_up_ms;     /* not tried again after this time ... */
    int64_t min_attempts;   /* ... and this many attempts */
    int64_t per_webhook, in_all;
    int64_t refuse_private; /* addresses of this machine and of private networks */
    int64_t keep_events, keep_ms, keep_deliveries;
};

/* What is not set, or is no number in its range, is as documented; that is logged. */
void delivery_settings_read(struct delivery_settings *settings);
/* How long to wait after so many attempts, give or take a quarter: `random` decides. */
int64_t delivery_delay_ms(const struct delivery_settings *settings, int64_t attempts,
                          uint32_t random);
/* Is it given up, `age_ms` after its first attempt? */
bool delivery_is_hopeless(const struct delivery_settings *settings, int64_t attempts,
                          int64_t age_ms);

#endif
