/* SPDX-License-Identifier: Apache-2.0
 *
 * What the bench programs share: a series of times, and the line that sums it up.
 */
#ifndef E2B_BENCH_STATS_H
#define E2B_BENCH_STATS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline int stats_compare(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The value that `percent` of the sorted series does not exceed. */
static inline int64_t stats_percentile(const int64_t *sorted, size_t count, unsigned percent) {
    size_t rank = (count * percent + 99) / 100;
    return sorted[rank ? rank - 1 : 0];
}

/* "NAME p50 p95 p99 max" in microseconds; sorts the series. */
static inline void stats_print(const char *name, int64_t *series, size_t count) {
    if (count == 0)
        return;
    qsort(series, count, sizeof(*series), stats_compare);
    printf("%s %lld %lld %lld %lld\n", name, (long long)stats_percentile(series, count, 50),
           (long long)stats_percentile(series, count, 95),
           (long long)stats_percentile(series, count, 99), (long long)series[count - 1]);
}

#endif
