/* SPDX-License-Identifier: Apache-2.0
 *
 * Sandboxes as people and scripts see them.
 */
#ifndef E2B_CLI_SANDBOX_VIEW_H
#define E2B_CLI_SANDBOX_VIEW_H

#include "cli/fields.h"

#include <jansson.h>

enum { VIEW_TEXT = FIELD_TEXT };

/* "1/2/2026, 3:04:05 AM" in the local time zone; what is no time stays as it is. */
const char *view_time(const char *rfc3339, char text[static VIEW_TEXT]);
/* "running" as "Running". */
const char *view_state(const char *state, char text[static VIEW_TEXT]);
/* The object as the official command line prints it in JSON, from a listed sandbox. */
json_t *view_json(const json_t *sandbox);

#endif
