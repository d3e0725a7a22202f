/* SPDX-License-Identifier: Apache-2.0
 *
 * Joining follows BuildKit: an escape character at the end of a line, white space behind it allowed
 * and no second one before it, continues the line; comments and empty lines in between vanish.
 */
#include "cli/dockerfile/source.h"

#include "cli/alloc.h"
#include "cli/dockerfile/heredoc.h"
#include "common/buf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SHOWN_LINE = 160 };

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \t");
}

/* ---- physical lines ---------------------------------------------------------------------------
 */

static bool split(struct source *source, const char *text, size_t len, struct error *err) {
    static const char mark[] = "\xef\xbb\xbf";
    if (len > SOURCE_MAX)
        return error_set(err, ERR_TOO_LARGE, "%s is larger than %d MiB", source->name,
                         SOURCE_MAX >> 20);
    if (memchr(text, '\0', len))
        return error_set(err, ERR_INVALID, "%s is no text", source->name);
    source->text = strndup(text, len);
    if (!source->text)
        abort();
    char *at = source->text;
    if (strncmp(at, mark, 3) == 0)
        at += 3;
    while (at) {
        size_t n = source->physical_count++;
        source->physical = alloc_array(source->physical, n + 1, sizeof(*source->physical));
        source->physical[n] = strsep(&at, "\n");
        size_t end = strlen(source->physical[n]);
        if (end && source->physical[n][end - 1] == '\r')
            source->physical[n][end - 1] = '\0';
    }
    return true;
}

/* ---- parser directives ------------------------------------------------------------------------
 */

/* "# name = value" at the very top: value and its length are set. */
static bool is_directive(const char *line, const char *name, const char **value, size_t *len) {
    const char *at = skip_blanks(line);
    if (*at != '#')
        return false;
    at = skip_blanks(at + 1);
    size_t letters = 0;
    while (isalnum((unsigned char)at[letters]))
        letters++;
    const char *sign = skip_blanks(at + letters);
    if (!letters || *sign != '=')
        return false;
    *value = skip_blanks(sign + 1);
    *len = strlen(*value);
    while (*len && strchr(" \t", (*value)[*len - 1]))
        (*len)--;
    return strlen(name) == letters && strncasecmp(name, at, letters) == 0;
}

static bool set_escape(struct source *source, const char *value, size_t len, struct error *err) {
    if (len != 1 || !strchr("\\`", *value))
        return error_set(err, ERR_INVALID, "the escape character can only be \\ or `, not '%.*s'",
                         (int)MIN(len, (size_t)80), value);
    source->escape = *value;
    return true;
}

/* Returns how many lines they take; `syntax` and `check` concern builders that can be exchanged,
 * and one that nobody knows is a comment, behind which there are none. */
static bool read_directives(struct source *source, size_t *used, struct error *err) {
    const char *value;
    bool escaped = false;
    size_t len, i = 0;
    for (; i < source->physical_count; i++) {
        const char *line = source->physical[i];
        if (is_directive(line, "syntax", &value, &len) || is_directive(line, "check", &value, &len))
            continue;
        if (!is_directive(line, "escape", &value, &len))
            break;
        struct source_piece piece = {.line = i, .column = (size_t)(value - line)};
        struct source_line where = {.pieces = &piece, .piece_count = 1};
        if (escaped)
            error_set(err, ERR_INVALID, "there can be only one escape directive");
        else if (set_escape(source, value, len, err))
            escaped = true;
        if (err->kind != ERR_NONE)
            return source_blame(source, &where, 0, err);
    }
    *used = i;
    return true;
}

/* ---- logical lines ----------------------------------------------------------------------------
 */

/* The length without the escape character that continues the line; -1: it is not continued. */
static ssize_t continued(const char *line, char escape) {
    size_t end = strlen(line);
    while (end && strchr(" \t", line[end - 1]))
        end--;
    if (!end || line[end - 1] != escape || (end > 1 && line[end - 2] == escape))
        return -1;
    return (ssize_t)end - 1;
}

static void add_piece(struct source_line *line, struct buf *text, size_t number, size_t column,
                      const char *bytes, size_t len) {
    line->pieces = alloc_array(line->pieces, line->piece_count + 1, sizeof(*line->pieces));
    line->pieces[line->piece_count++] =
        (struct source_piece){.at = text->len, .line = number, .column = column};
    if (!buf_add(text, bytes, len))
        abort();
}

/* Joins from physical line *at on and moves it behind what it took. */
static void join(const struct source *source, size_t *at, struct source_line *line) {
    cleanup_buf struct buf text = BUF_INIT(SOURCE_MAX);
    bool first = true;
    while (*at < source->physical_count) {
        const char *physical = source->physical[*at], *start = skip_blanks(physical);
        size_t number = (*at)++;
        if (!first && (!*start || *start == '#'))
            continue;
        ssize_t len = continued(physical, source->escape);
        const char *from = first ? start : physical;
        size_t column = (size_t)(from - physical);
        size_t end = len >= 0 ? (size_t)len : strlen(physical);
        add_piece(line, &text, number, column, from, end > column ? end - column : 0);
        first = false;
        if (len < 0)
            break;
    }
    while (text.len && strchr(" \t", text.data[text.len - 1]))
        text.data[--text.len] = '\0';
    line->text = buf_steal(&text);
    if (!line->text)
        abort();
}

static void line_free(struct source_line *line) {
    for (size_t i = 0; i < line->heredoc_count; i++) {
        free(line->heredocs[i].delimiter);
        free(line->heredocs[i].text);
    }
    free(line->heredocs);
    free(line->pieces);
    free(line->text);
}

static bool read_lines(struct source *source, size_t at, struct error *err) {
    while (at < source->physical_count) {
        const char *start = skip_blanks(source->physical[at]);
        if (!*start || *start == '#') {
            at++;
            continue;
        }
        size_t n = source->line_count++;
        source->lines = alloc_array(source->lines, n + 1, sizeof(*source->lines));
        source->lines[n] = (struct source_line){0};
        join(source, &at, &source->lines[n]);
        if (!heredoc_take(source, &source->lines[n], &at, err))
            return false;
    }
    return true;
}

bool source_read(struct source *source, const char *name, const char *text, size_t len,
                 struct error *err) {
    size_t used = 0;
    *source = (struct source){.name = name, .escape = '\\'};
    return split(source, text, len, err) && read_directives(source, &used, err) &&
           read_lines(source, used, err);
}

void source_free(struct source *source) {
    for (size_t i = 0; i < source->line_count; i++)
        line_free(&source->lines[i]);
    free(source->lines);
    free(source->physical);
    free(source->text);
    *source = (struct source){0};
}

/* ---- places -----------------------------------------------------------------------------------
 */

static const struct source_piece *piece_of(const struct source_line *line, size_t at) {
    size_t i = line->piece_count - 1;
    while (i && line->pieces[i].at > at)
        i--;
    return &line->pieces[i];
}

size_t source_number(const struct source_line *line, size_t at) {
    return piece_of(line, at)->line + 1;
}

/* A window of a long line, so that the caret stays in sight. */
bool source_blame(const struct source *source, const struct source_line *line, size_t at,
                  struct error *err) {
    const struct source_piece *piece = piece_of(line, at);
    const char *text = source->physical[piece->line];
    size_t len = strlen(text), column = MIN(piece->column + (at - piece->at), len);
    size_t from = column > SHOWN_LINE / 2 && len > SHOWN_LINE ? column - SHOWN_LINE / 2 : 0;
    char shown[SHOWN_LINE + 1], caret[SHOWN_LINE + 1];
    snprintf(shown, sizeof(shown), "%s", text + from);
    for (char *tab = shown; (tab = strchr(tab, '\t'));)
        *tab = ' ';
    size_t offset = 0; /* columns are characters: bytes that go on with one take none */
    for (size_t i = from; i < column; i++)
        offset += ((unsigned char)text[i] & 0xc0) != 0x80;
    memset(caret, ' ', offset);
    caret[offset] = '\0';
    char message[512];
    snprintf(message, sizeof(message), "%.500s", err->message);
    snprintf(err->message, sizeof(err->message), "%.100s:%zu:%zu: %s\n    %s\n    %s^",
             source->name, piece->line + 1, column + 1, message, shown, caret);
    return false;
}
