/* SPDX-License-Identifier: Apache-2.0
 *
 * A word is a heredoc if all of it looks like one: digits, "<<", perhaps "-", and a name without a
 * further "<". So neither `$((1<<2))` nor `<<<text` is taken for one.
 */
#include "cli/dockerfile/heredoc.h"

#include "cli/alloc.h"
#include "cli/dockerfile/words.h"
#include "common/buf.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool starts_with(const char *text, const char *name) {
    size_t len = strlen(name);
    return strncasecmp(name, text, len) == 0 && (text[len] == ' ' || text[len] == '\t');
}

/* Behind ONBUILD stands another instruction. */
static bool may_have(const char *text) {
    static const char *const names[] = {"RUN", "COPY", "ADD"};
    if (starts_with(text, "ONBUILD"))
        text += strlen("ONBUILD") + strspn(text + strlen("ONBUILD"), " \t");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (starts_with(text, names[i]))
            return true;
    return false;
}

/* The delimiter without its quotes; NULL: the word is no heredoc. */
static char *delimiter_of(const char *word, size_t len, bool *strips, bool *quoted) {
    size_t at = 0, out = 0;
    while (at < len && isdigit((unsigned char)word[at]))
        at++;
    if (len - at < 3 || word[at] != '<' || word[at + 1] != '<' ||
        memchr(word + at + 2, '<', len - at - 2))
        return NULL;
    at += 2;
    *strips = word[at] == '-';
    at += *strips;
    *quoted = false;
    char *name = alloc_array(NULL, len + 1, 1);
    for (; at < len; at++) {
        bool quote = strchr("'\"\\", word[at]);
        *quoted = *quoted || quote;
        if (!quote)
            name[out++] = word[at];
    }
    name[out] = '\0';
    if (out)
        return name;
    free(name);
    return NULL;
}

static bool read_text(const struct source *source, struct source_heredoc *doc, bool strips,
                      size_t *at) {
    cleanup_buf struct buf text = BUF_INIT(SOURCE_MAX);
    for (; *at < source->physical_count; (*at)++) {
        const char *line = source->physical[*at];
        if (strips)
            line += strspn(line, "\t");
        if (strcmp(line, doc->delimiter) == 0) {
            (*at)++;
            doc->text = buf_steal(&text);
            return doc->text;
        }
        if (!buf_puts(&text, line) || !buf_puts(&text, "\n"))
            abort();
    }
    return false;
}

bool heredoc_take(const struct source *source, struct source_line *line, size_t *at,
                  struct error *err) {
    struct word word = {0};
    if (!may_have(line->text) || !strstr(line->text, "<<"))
        return true;
    while (word_next(line->text, source->escape, &word)) {
        bool strips, quoted;
        char *name = delimiter_of(line->text + word.start, word.end - word.start, &strips, &quoted);
        if (!name)
            continue;
        size_t n = line->heredoc_count++;
        line->heredocs = alloc_array(line->heredocs, n + 1, sizeof(*line->heredocs));
        line->heredocs[n] = (struct source_heredoc){
            .start = word.start, .end = word.end, .delimiter = name, .expands = !quoted};
        if (!read_text(source, &line->heredocs[n], strips, at)) {
            error_set(err, ERR_INVALID, "the heredoc is not ended by a line '%.200s'", name);
            return source_blame(source, line, word.start, err);
        }
    }
    return true;
}
