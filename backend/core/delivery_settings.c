/* SPDX-License-Identifier: Apache-2.0
 *
 * See delivery_settings.h.
 */
#include "backend/core/delivery_settings.h"

#include "common/http1.h"
#include "common/log.h"

#include <string.h>

static const int64_t second = 1000, hour = 3600 * INT64_C(1000);

static const struct {
    const char *name;
    size_t at;
    int64_t least, most;
} known[] = {
    {"E2B_WEBHOOK_TIMEOUT_MS", offsetof(struct delivery_settings, timeout_ms), 10, 3600000},
    {"E2B_WEBHOOK_FIRST_DELAY_MS", offsetof(struct delivery_settings, first_delay_ms), 1, 86400000},
    {"E2B_WEBHOOK_MAX_DELAY_MS", offsetof(struct delivery_settings, max_delay_ms), 1, 86400000},
    {"E2B_WEBHOOK_GIVE_UP_MS", offsetof(struct delivery_settings, give_up_ms), 0, INT64_MAX},
    {"E2B_WEBHOOK_MIN_ATTEMPTS", offsetof(struct delivery_settings, min_attempts), 1, 1000000},
    {"E2B_WEBHOOK_PER_WEBHOOK", offsetof(struct delivery_settings, per_webhook), 1, 1024},
    {"E2B_WEBHOOK_IN_ALL", offsetof(struct delivery_settings, in_all), 1, 4096},
    {"E2B_WEBHOOK_REFUSE_PRIVATE", offsetof(struct delivery_settings, refuse_private), 0, 1},
    {"E2B_EVENTS_KEEP", offsetof(struct delivery_settings, keep_events), 1, INT64_MAX},
    {"E2B_EVENTS_KEEP_MS", offsetof(struct delivery_settings, keep_ms), 1000, INT64_MAX},
    {"E2B_WEBHOOK_KEEP_DELIVERIES", offsetof(struct delivery_settings, keep_deliveries), 1,
     INT64_MAX},
};

void delivery_settings_read(struct delivery_settings *settings) {
    *settings = (struct delivery_settings){
        .timeout_ms = 10 * second,
        .first_delay_ms = 5 * second,
        .max_delay_ms = hour,
        .give_up_ms = 24 * hour,
        .min_attempts = 20,
        .per_webhook = 8,
        .in_all = 512,
        .keep_events = 1000000,
        .keep_ms = 7 * 24 * hour,
        .keep_deliveries = 10000,
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        const char *text = getenv(known[i].name);
        uint64_t number;
        if (!text || !*text)
            continue;
        if (slice_number((struct slice){text, strlen(text)}, &number) &&
            number >= (uint64_t)known[i].least && number <= (uint64_t)known[i].most)
            *(int64_t *)(void *)((char *)settings + known[i].at) = (int64_t)number;
        else
            log_warn("a setting is no number in its range", "name", known[i].name);
    }
}

int64_t delivery_delay_ms(const struct delivery_settings *settings, int64_t attempts,
                          uint32_t random) {
    int64_t delay = settings->first_delay_ms;
    for (int64_t i = 1; i < attempts && delay < settings->max_delay_ms; i++)
        delay *= 2;
    delay = MIN(delay, settings->max_delay_ms);
    int64_t quarter = delay / 4;
    return delay - quarter + (int64_t)random % (2 * quarter + 1);
}

bool delivery_is_hopeless(const struct delivery_settings *settings, int64_t attempts,
                          int64_t age_ms) {
    return attempts >= settings->min_attempts && age_ms >= settings->give_up_ms;
}
