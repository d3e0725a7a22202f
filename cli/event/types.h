/* SPDX-License-Identifier: Apache-2.0
 *
 * Types of events as people write them: "created" stands for "sandbox.lifecycle.created".
 */
#ifndef E2B_CLI_EVENT_TYPES_H
#define E2B_CLI_EVENT_TYPES_H

#include "cli/command.h"

#include <jansson.h>

/* The short names, for completion; NULL-terminated. */
extern const char *const event_types[];
enum { EVENT_TYPE = 64 };

/* The full name of one. What has a dot in it is taken as it is: servers may know more. */
bool event_type_full(const char *word, char full[static EVENT_TYPE], struct error *err);
/* Those of a repeatable option whose values may hold several, separated by commas: full names, or
 * NULL. Empty if the option was not given. */
json_t *event_types_given(const struct invocation *in, const char *option, struct error *err);

#define EVENT_TYPES_OPTION(text)                                                                   \
    {                                                                                              \
        .name = "events", .letter = 'e', .type = OPTION_LIST, .value = "types", .help = (text),    \
        .choices = event_types,                                                                    \
    }

#endif
