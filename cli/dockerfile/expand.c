/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over the text. A "$" that means itself goes through as a mark and is written at the end,
 * when it is known what stands behind it: the server reads "${IFS+$}" as a dollar sign.
 */
#include "cli/dockerfile/expand.h"

#include "cli/dockerfile/pattern.h"

#include <ctype.h>
#include <string.h>

enum { DOLLAR = '\x01', DEPTH_MAX = 32 };

struct walk {
    struct expansion *x;
    const char *text;
    size_t at, len;
    int depth;
    bool keeps_escapes; /* they mean something to a pattern */
    struct buf *out;
};

static bool mistake(struct walk *w, size_t at, struct error *err, const char *what) {
    w->x->at = at;
    return error_set(err, ERR_INVALID, "%s", what);
}

static bool put(struct walk *w, const char *bytes, size_t len, struct error *err) {
    return buf_add(w->out, bytes, len) ||
           error_set(err, ERR_TOO_LARGE, "the expanded text is larger than %d MiB",
                     EXPAND_MAX >> 20);
}

/* Text that means itself. */
static bool put_literal(struct walk *w, const char *bytes, size_t len, struct error *err) {
    static const char mark = DOLLAR;
    if (memchr(bytes, DOLLAR, len))
        return mistake(w, w->at, err, "control characters cannot be expanded");
    for (size_t i = 0; i < len; i++)
        if (!put(w, bytes[i] == '$' ? &mark : bytes + i, 1, err))
            return false;
    return true;
}

static bool put_text(struct walk *w, const char *text, struct error *err) {
    return put(w, text, strlen(text), err);
}

static char peek(const struct walk *w) {
    return w->at < w->len ? w->text[w->at] : '\0';
}

/* A shell's own parameters have names, too: "$$", "$1". Nothing sets them here. */
static bool is_special(char c) {
    return c && (isdigit((unsigned char)c) || strchr("@*#?-$!", c));
}

static size_t name_length(const struct walk *w) {
    size_t len = 0, left = w->len - w->at;
    const char *name = w->text + w->at;
    if (left && isdigit((unsigned char)*name)) {
        while (len < left && isdigit((unsigned char)name[len]))
            len++;
        return len;
    }
    if (left && is_special(*name))
        return 1;
    while (len < left && (isalnum((unsigned char)name[len]) || name[len] == '_'))
        len++;
    return len;
}

static bool walk_until(struct walk *w, char stop, struct error *err);

/* ---- references -------------------------------------------------------------------------------
 */

struct reference {
    const char *name;
    size_t len;
    bool colon;    /* empty counts as unset */
    char modifier; /* '-', '+', '?', an operator of a pattern, or 0 */
    bool is_double;
    struct buf word, replacement;
};

/* The server has to look: it is asked in the words of a shell. */
static bool leave(struct walk *w, const struct reference *r, struct error *err) {
    w->x->is_open = true;
    const char operator[] = {r->colon ? ':' : r->modifier, r->colon ? r->modifier : '\0', '\0'};
    return put_text(w, "${", err) && put(w, r->name, r->len, err) &&
           (!r->modifier || put_text(w, operator, err)) &&
           (!r->word.len || put(w, r->word.data, r->word.len, err)) && put_text(w, "}", err);
}

static void note_undefined(struct walk *w, const struct reference *r) {
    size_t len = MIN(r->len, (size_t)EXPAND_NAME - 1);
    if (w->x->undefined[0])
        return;
    memcpy(w->x->undefined, r->name, len);
    w->x->undefined[len] = '\0';
}

static bool put_edited(struct walk *w, const struct reference *r, const char *value,
                       struct error *err) {
    struct buf out = BUF_INIT(EXPAND_MAX);
    const struct pattern_edit edit = {.operation = r->modifier,
                                      .is_double = r->is_double,
                                      .pattern = r->word.len ? r->word.data : "",
                                      .replacement = r->replacement.len ? r->replacement.data : ""};
    w->x->at = (size_t)(r->name - w->text);
    bool ok = pattern_edit(&edit, value, &out, err) &&
              (!out.len || put_literal(w, out.data, out.len, err));
    buf_free(&out);
    return ok;
}

static bool resolve(struct walk *w, const struct reference *r, struct error *err) {
    const struct variable *variable = scope_find(w->x->scope, r->name, r->len);
    const char *value = variable ? variable->value : NULL;
    bool is_known = variable && value, edits = r->modifier && strchr("#%/", r->modifier);
    bool asks_server = !is_known && w->x->for_server && !is_special(*r->name);
    if (asks_server && !edits)
        return leave(w, r, err);
    if (asks_server || (variable && !value))
        return mistake(w, (size_t)(r->name - w->text), err,
                       "it depends on variables of the base image, which are not known here");
    if (edits)
        return !is_known || put_edited(w, r, value, err);
    bool counts = is_known && (!r->colon || *value);
    if (r->modifier == '?' && !counts) {
        w->x->at = (size_t)(r->name - w->text);
        return error_set(err, ERR_INVALID, "%.*s: %.200s", (int)MIN(r->len, (size_t)80), r->name,
                         r->word.len ? r->word.data : "it is not set");
    }
    if ((r->modifier == '-' && !counts) || (r->modifier == '+' && counts))
        return !r->word.len || put(w, r->word.data, r->word.len, err);
    if (r->modifier == '+')
        return true;
    if (!is_known)
        note_undefined(w, r);
    return !is_known || put_literal(w, value, strlen(value), err);
}

/* The word behind a modifier, expanded up to the brace. */
static bool read_word(struct walk *w, char stop, struct buf *word, struct error *err) {
    struct buf *outer = w->out;
    w->out = word;
    bool ok = walk_until(w, stop, err);
    w->out = outer;
    return ok;
}

static void unmark(struct buf *text) {
    for (size_t i = 0; i < text->len; i++)
        text->data[i] = text->data[i] == DOLLAR ? '$' : text->data[i];
}

static bool read_pattern(struct walk *w, struct reference *r, struct error *err) {
    bool outer = w->keeps_escapes;
    r->is_double = peek(w) == r->modifier;
    w->at += r->is_double;
    w->keeps_escapes = true;
    bool ok = r->modifier != '/'
                  ? read_word(w, '}', &r->word, err)
                  : read_word(w, '/', &r->word, err) && read_word(w, '}', &r->replacement, err);
    w->keeps_escapes = outer;
    unmark(&r->word);
    unmark(&r->replacement);
    return ok;
}

static bool take_braces(struct walk *w, size_t dollar, struct error *err) {
    struct reference r = {.word = BUF_INIT(EXPAND_MAX), .replacement = BUF_INIT(EXPAND_MAX)};
    r.name = w->text + w->at;
    r.len = name_length(w);
    w->at += r.len;
    if (!r.len)
        return mistake(w, dollar, err, "a name is missing in ${}");
    if (peek(w) == '}') {
        w->at++;
        return resolve(w, &r, err);
    }
    r.colon = peek(w) == ':';
    w->at += r.colon;
    r.modifier = peek(w);
    if (!r.modifier)
        return mistake(w, dollar, err, "the brace is not closed");
    bool edits = !r.colon && strchr("#%/", r.modifier);
    if (!edits && !strchr("-+?", r.modifier))
        return mistake(w, w->at, err,
                       "only the modifiers :- - :+ + :? ? # ## % %% / // are understood");
    w->at++;
    bool ok = edits ? read_pattern(w, &r, err) : read_word(w, '}', &r.word, err);
    ok = ok && resolve(w, &r, err);
    buf_free(&r.word);
    buf_free(&r.replacement);
    return ok;
}

static bool take_dollar(struct walk *w, struct error *err) {
    size_t dollar = w->at++;
    if (peek(w) == '{') {
        w->at++;
        return take_braces(w, dollar, err);
    }
    struct reference r = {.name = w->text + w->at, .len = name_length(w)};
    w->at += r.len;
    return r.len ? resolve(w, &r, err) : put_literal(w, "$", 1, err);
}

/* ---- quotes -----------------------------------------------------------------------------------
 */

static bool take_single(struct walk *w, struct error *err) {
    size_t start = w->at++;
    const char *end = memchr(w->text + w->at, '\'', w->len - w->at);
    if (!end)
        return mistake(w, start, err, "the quote is not closed");
    size_t from = w->at;
    w->at = (size_t)(end - w->text) + 1;
    return put_literal(w, w->text + from, w->at - 1 - from, err);
}

static bool take_double(struct walk *w, struct error *err) {
    size_t start = w->at++;
    while (w->at < w->len) {
        char c = w->text[w->at];
        if (c == '"') {
            w->at++;
            return true;
        }
        if (c == '$') {
            if (!take_dollar(w, err))
                return false;
            continue;
        }
        bool escapes = c == w->x->escape && w->at + 1 < w->len &&
                       (strchr("\"$", w->text[w->at + 1]) || w->text[w->at + 1] == c);
        w->at += escapes;
        if (!put_literal(w, w->text + w->at++, 1, err))
            return false;
    }
    return mistake(w, start, err, "the quote is not closed");
}

static bool take_one(struct walk *w, struct error *err) {
    char c = w->text[w->at];
    if (c == '$')
        return take_dollar(w, err);
    if (w->x->in_heredoc) {
        bool escapes = c == w->x->escape && w->at + 1 < w->len && w->text[w->at + 1] == '$';
        w->at += escapes;
        return put_literal(w, w->text + w->at++, 1, err);
    }
    if (c == '\'')
        return take_single(w, err);
    if (c == '"')
        return take_double(w, err);
    if (c == w->x->escape && w->keeps_escapes && !put_literal(w, &c, 1, err))
        return false;
    if (c == w->x->escape && ++w->at == w->len)
        return true;
    return put_literal(w, w->text + w->at++, 1, err);
}

/* To the end of the text, or behind the first `stop`. */
static bool walk_until(struct walk *w, char stop, struct error *err) {
    size_t start = w->at;
    if (++w->depth > DEPTH_MAX)
        return mistake(w, w->at, err, "too many braces in each other");
    while (w->at < w->len) {
        if (stop && w->text[w->at] == stop) {
            w->at++;
            w->depth--;
            return true;
        }
        if (!take_one(w, err))
            return false;
    }
    w->depth--;
    return !stop || mistake(w, start, err,
                            stop == '/' ? "a slash and the replacement are missing"
                                        : "the brace is not closed");
}

/* Would a shell take a "$" in front of this for a reference? */
static bool refers(char next) {
    return next && (isalnum((unsigned char)next) || strchr("_{@*#?$!-\x01", next));
}

static bool finish(struct walk *w, const struct buf *marked, struct buf *out, struct error *err) {
    w->out = out;
    for (size_t i = 0; i < marked->len; i++) {
        const char *piece = marked->data + i;
        bool is_mark = *piece == DOLLAR;
        bool ok = !is_mark                               ? put(w, piece, 1, err)
                  : w->x->for_server && refers(piece[1]) ? put_text(w, "${IFS+$}", err)
                                                         : put_text(w, "$", err);
        if (!ok)
            return false;
    }
    return true;
}

bool expand(struct expansion *x, const char *text, size_t len, struct buf *out, struct error *err) {
    cleanup_buf struct buf marked = BUF_INIT(EXPAND_MAX);
    struct walk w = {.x = x, .text = text, .len = len, .out = &marked};
    x->at = 0;
    return walk_until(&w, '\0', err) && finish(&w, &marked, out, err);
}

bool expand_literal(const char *text, struct buf *out, struct error *err) {
    cleanup_buf struct buf marked = BUF_INIT(EXPAND_MAX);
    struct expansion x = {.for_server = true};
    struct walk w = {.x = &x, .text = text, .out = &marked};
    return put_literal(&w, text, strlen(text), err) && finish(&w, &marked, out, err);
}
