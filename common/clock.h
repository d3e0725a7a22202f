/* SPDX-License-Identifier: Apache-2.0
 *
 * Times as the API writes them, and durations as people type them.
 */
#ifndef E2B_COMMON_CLOCK_H
#define E2B_COMMON_CLOCK_H

#include "common/error.h"

enum { CLOCK_TEXT = 32 }; /* room for any formatted time */

int64_t clock_now_ms(void);  /* wall clock, Unix milliseconds */
int64_t clock_mono_ms(void); /* never jumps; only differences mean anything */
int64_t clock_mono_us(void);
int64_t clock_boot_ms(void); /* as clock_mono_ms, and goes on while the machine sleeps */

/* "2026-01-02T03:04:05.678Z". */
const char *clock_format(int64_t unix_ms, char text[static CLOCK_TEXT]);
/* RFC 3339, any offset, up to nanoseconds (cut to milliseconds); also a bare date. */
bool clock_parse(const char *text, int64_t *unix_ms, struct error *err);
/* "90", "90s", "1m30s", "2h", "1d": a bare number counts seconds. */
bool clock_parse_duration(const char *text, int64_t *seconds, struct error *err);

#endif
