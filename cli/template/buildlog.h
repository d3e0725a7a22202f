/* SPDX-License-Identifier: Apache-2.0
 *
 * What a build says while it goes on: lines as the official command line prints them, or one JSON
 * object a line; and, where a person looks, one line of progress that comes and goes.
 */
#ifndef E2B_CLI_TEMPLATE_BUILDLOG_H
#define E2B_CLI_TEMPLATE_BUILDLOG_H

#include "cli/command.h"

#include <jansson.h>

struct buildlog {
    bool as_json;
    int64_t started_ms;
    int64_t shown_ms; /* when the progress line was last written */
    size_t shown;     /* how many columns of it stand on the terminal */
};

extern const char *const buildlog_kinds[]; /* plain, json */
#define BUILDLOG_OPTION                                                                            \
    {                                                                                              \
        .name = "progress", .type = OPTION_CHOICE, .value = "kind", .choices = buildlog_kinds,     \
        .fallback = "plain", .help = "how to show what goes on"                                    \
    }

void buildlog_start(struct buildlog *log, const struct invocation *in);
/* A line of our own, at level info. */
void buildlog_say(struct buildlog *log, const char *format, ...) printf_like(2, 3);
/* An entry that the server wrote. */
void buildlog_entry(struct buildlog *log, const json_t *entry);
/* Only for people: text around the lines. */
void buildlog_text(struct buildlog *log, const char *format, ...) printf_like(2, 3);
/* Only for programs; takes the reference. */
void buildlog_event(struct buildlog *log, json_t *event);
/* Bytes of a whole that have been dealt with since `since_ms`: rate and time left. */
void buildlog_progress(struct buildlog *log, const char *what, uint64_t done, uint64_t total,
                       int64_t since_ms);
/* Takes the progress line away. */
void buildlog_clear(struct buildlog *log);

#endif
