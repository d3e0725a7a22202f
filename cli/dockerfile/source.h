/* SPDX-License-Identifier: Apache-2.0
 *
 * A Dockerfile as logical lines: parser directives dealt with, comments gone, continued lines
 * joined, the texts of heredocs taken out. Every byte of a logical line still knows the place in
 * the file that it came from, so that errors can point at it.
 */
#ifndef E2B_CLI_DOCKERFILE_SOURCE_H
#define E2B_CLI_DOCKERFILE_SOURCE_H

#include "common/error.h"

enum { SOURCE_MAX = 4 << 20 };

/* The bytes of a logical line from `at` on stand in `line`, from `column` on (both from 0). */
struct source_piece {
    size_t at;
    size_t line, column;
};

struct source_heredoc {
    size_t start, end; /* of its word in the logical line, "<<EOF" */
    char *delimiter;
    char *text;
    bool expands; /* the delimiter was not quoted */
};

struct source_line {
    char *text;
    struct source_piece *pieces;
    size_t piece_count;
    struct source_heredoc *heredocs;
    size_t heredoc_count;
};

struct source {
    const char *name; /* borrowed: as shown in errors */
    char *text;
    char **physical; /* lines, pointing into text */
    size_t physical_count;
    char escape; /* '\\', or '`' by a parser directive */
    struct source_line *lines;
    size_t line_count;
};

bool source_read(struct source *source, const char *name, const char *text, size_t len,
                 struct error *err);
void source_free(struct source *source);

/* Makes "name:line:column: <message>" of the message in `err`, with the line and a caret below.
 * `at` is a byte of the logical line. Returns false. */
bool source_blame(const struct source *source, const struct source_line *line, size_t at,
                  struct error *err);
/* The number of the line (from 1) in which that byte stands. */
size_t source_number(const struct source_line *line, size_t at);

#endif
