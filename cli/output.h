/* SPDX-License-Identifier: Apache-2.0
 *
 * What is printed: JSON, colours where a person looks, and text of others made harmless.
 */
#ifndef E2B_CLI_OUTPUT_H
#define E2B_CLI_OUTPUT_H

#include "common/error.h"

#include <jansson.h>
#include <stdio.h>

struct invocation;

/* The usual `-f, --format <format>`: a row of an option table. */
extern const char *const output_formats[]; /* pretty, json */
#define OUTPUT_FORMAT_OPTION                                                                       \
    {                                                                                              \
        .name = "format", .letter = 'f', .type = OPTION_CHOICE, .value = "format",                 \
        .help = "output format", .choices = output_formats, .fallback = "pretty",                  \
    }
bool output_wants_json(const struct invocation *in);

/* Indented by two, keys in their order, a newline behind. */
void output_json(FILE *out, const json_t *value);

/* Text that somebody else wrote: control characters, except those in `keep`, become '?'. */
void output_safe(FILE *out, const char *text, const char *keep);

/* "12.3 MB". */
enum { OUTPUT_SIZE = 32 };
const char *output_size(int64_t bytes, char text[static OUTPUT_SIZE]);

/* The escape sequence, or "" where nobody wants colour (no terminal, NO_COLOR, FORCE_COLOR=0). */
enum style { STYLE_END, STYLE_BOLD, STYLE_RED, STYLE_GREEN, STYLE_YELLOW };
const char *output_style(FILE *out, enum style style);

/* Flushes standard output; false if somebody did not get all of it. A reader that went away
 * (EPIPE) is told apart by *hung_up: that is no failure worth a message. */
bool output_finish(bool *hung_up, struct error *err);

#endif
