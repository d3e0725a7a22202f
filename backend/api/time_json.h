/* SPDX-License-Identifier: Apache-2.0
 *
 * Times in answers.
 */
#ifndef E2B_API_TIME_JSON_H
#define E2B_API_TIME_JSON_H

#include "common/clock.h"
#include "common/json.h"

static inline json_t *time_json(int64_t unix_ms) {
    char text[CLOCK_TEXT];
    return json_string(clock_format(unix_ms, text));
}

#endif
