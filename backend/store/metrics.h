/* SPDX-License-Identifier: Apache-2.0
 *
 * What sandboxes used, and how many there were, as samples in three tiers: every 5 s for an hour,
 * every minute for a day, every quarter of an hour for a week. A sample is in one tier at a time;
 * what leaves one is averaged into the next. Samples outlive their sandbox.
 *
 * One tick is one transaction that appends. A sandbox's own samples are found through the ticks,
 * so reading them costs the same however many sandboxes there are.
 */
#ifndef E2B_STORE_METRICS_H
#define E2B_STORE_METRICS_H

#include "backend/store/store.h"
#include "common/ids.h"

enum { METRICS_SPAN_S = 5, METRICS_KEEP_S = 7 * 24 * 3600 };

struct metrics_sample {
    int64_t at_s;
    char sandbox_id[ID_SANDBOX];
    double cpu_percent; /* of all its processors */
    int64_t cpus, memory_used, memory_total, memory_cache, disk_used, disk_total;
};

/* All sandboxes together. */
struct metrics_tick {
    int64_t at_s, span_s;
    int64_t sandboxes; /* that ran; the most at a time where ticks were joined */
    int64_t started;   /* within the span */
};

/* Writes a tick of METRICS_SPAN_S and the samples taken with it. */
bool store_metrics_add(struct store *store, const struct metrics_tick *tick,
                       const struct metrics_sample *samples, size_t count, struct error *err);
/* Moves what is too old for its tier on to the next, and forgets what is too old for the last. */
bool store_metrics_fold(struct store *store, int64_t now_s, struct error *err);

/* Oldest first, both ends included. */
bool store_metrics_each(struct store *store, const char *sandbox_id, int64_t from_s, int64_t to_s,
                        void (*each)(void *ctx, const struct metrics_sample *sample), void *ctx,
                        struct error *err);
/* The newest of them that is still in the first tier and not older than `from_s`. */
bool store_metrics_last(struct store *store, const char *sandbox_id, int64_t from_s,
                        struct metrics_sample *sample, bool *found, struct error *err);
bool store_metrics_each_tick(struct store *store, int64_t from_s, int64_t to_s,
                             void (*each)(void *ctx, const struct metrics_tick *tick), void *ctx,
                             struct error *err);

#endif
