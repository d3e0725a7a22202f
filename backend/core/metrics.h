/* SPDX-License-Identifier: Apache-2.0
 *
 * What sandboxes use, looked at every 5 s. A sample is taken only of a running sandbox of which
 * everything is known; there are none of one that was just made, and none that were guessed.
 */
#ifndef E2B_CORE_METRICS_H
#define E2B_CORE_METRICS_H

#include "backend/core/sandbox.h"
#include "backend/store/metrics.h"

/* Oldest first, both ends included; also of a sandbox that is gone. ERR_NOT_FOUND for one that
 * nobody remembers. */
bool metrics_of(struct core *core, const char *sandbox_id, int64_t from_s, int64_t to_s,
                void (*each)(void *ctx, const struct metrics_sample *sample), void *ctx,
                struct error *err);
/* What it used just now; none of one that was not looked at lately. */
bool metrics_now(struct core *core, const char *sandbox_id, struct metrics_sample *sample,
                 bool *found, struct error *err);
/* All sandboxes together. */
bool metrics_of_all(struct core *core, int64_t from_s, int64_t to_s,
                    void (*each)(void *ctx, const struct metrics_tick *tick), void *ctx,
                    struct error *err);

#endif
