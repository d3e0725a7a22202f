/* SPDX-License-Identifier: Apache-2.0
 *
 * The time by which things end. It looks like the wall clock, and goes on like it while the machine
 * sleeps, but nobody can set it: where it stood when the machine's first daemon started it goes on
 * from, whatever the wall clock is told later. What is to happen at a certain time (the end of a
 * sandbox, the next try of a delivery) is kept and compared in it; what has happened (an event, a
 * log line) is told in the wall clock's time.
 */
#ifndef E2B_CORE_STEADY_H
#define E2B_CORE_STEADY_H

#include "common/error.h"

struct store;

/* Finds where an earlier daemon since the machine's start began; without it, begins now. */
bool steady_start(struct store *store, struct error *err);

int64_t steady_now_ms(void);
/* What the wall clock will show then, as it is set now. */
int64_t steady_shown_ms(int64_t steady_ms);
/* The same moment in seconds of CLOCK_BOOTTIME, for whoever does not know where we began. */
int64_t steady_boot_s(int64_t steady_ms);

/* What happened before that is older than `age_ms` by the wall clock and by this one: a clock that
 * is set ahead makes nothing old. */
int64_t steady_ago_ms(int64_t age_ms);

#endif
