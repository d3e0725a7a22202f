/* SPDX-License-Identifier: Apache-2.0
 *
 * A pattern is a list of tokens; matching keeps the set of tokens that could come next while it
 * goes through the path once. The letters that a pattern starts and ends with are compared first:
 * most paths fail there.
 */
#include "cli/pack/glob.h"

#include <string.h>

enum token_kind {
    TOKEN_LETTER,
    TOKEN_ANY,    /* one character but a slash */
    TOKEN_CLASS,  /* one of a class, or not of it */
    TOKEN_STAR,   /* any number of them but slashes */
    TOKEN_CROSS,  /* any number of anything */
    TOKEN_FOLDERS /* nothing, or anything up to a slash: the token behind it is the inside */
};

struct range {
    uint32_t first, last;
};

struct token {
    enum token_kind kind;
    uint32_t letter;
    bool negated;
    size_t range_at, range_count;
};

struct glob {
    struct token *tokens;
    struct range *ranges;
    size_t count, range_count;
    size_t prefix, suffix; /* letters at both ends, in characters */
};

/* A byte that is no UTF-8 is a character of its own, beyond all others. */
static uint32_t next_character(const char **at) {
    const unsigned char *s = (const unsigned char *)*at;
    size_t more = *s >= 0xf0 && *s < 0xf8 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc2 ? 1 : 0;
    uint32_t c = more == 3 ? *s & 7u : more == 2 ? *s & 15u : *s & 31u;
    for (size_t i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80 || *s >= 0xf8) {
            more = 0;
            break;
        }
        c = c << 6 | (s[i] & 0x3fu);
    }
    *at += more + 1;
    return more ? c : *s < 0x80 ? *s : 0x110000u + *s;
}

/* ---- compiling --------------------------------------------------------------------------------
 */

struct compiler {
    struct glob *glob;
    enum glob_dialect dialect;
    const char *start, *at;
};

static struct token *add(struct compiler *c, enum token_kind kind) {
    struct token *token = &c->glob->tokens[c->glob->count++];
    *token = (struct token){.kind = kind};
    return token;
}

/* `[!a-z]` or `[^a-z]`; false if it does not end. */
static bool take_class(struct compiler *c) {
    const char *at = c->at + 1;
    struct token token = {.kind = TOKEN_CLASS, .range_at = c->glob->range_count};
    token.negated = *at == '^' || *at == '!';
    at += token.negated;
    for (bool first = true; first || *at != ']'; first = false) {
        at += *at == '\\' && at[1];
        if (!*at)
            return false;
        struct range range = {.first = next_character(&at)};
        range.last = range.first;
        if (*at == '-' && at[1] && at[1] != ']') {
            at++;
            at += *at == '\\' && at[1];
            range.last = next_character(&at);
        }
        c->glob->ranges[token.range_at + token.range_count++] = range;
    }
    c->glob->range_count += token.range_count;
    *add(c, TOKEN_CLASS) = token;
    c->at = at + 1;
    return true;
}

static void take_stars(struct compiler *c) {
    bool starts = c->at == c->start || c->at[-1] == '/';
    bool is_node = c->dialect == GLOB_NODE;
    size_t stars = is_node ? strspn(c->at, "*") : c->at[1] == '*' ? 2 : 1;
    const char *behind = c->at + stars;
    bool whole = starts && (!*behind || *behind == '/');
    c->at = behind;
    if (stars > 1 && (!is_node || whole)) {
        c->at += *behind == '/';
        if (*c->at)
            add(c, TOKEN_FOLDERS);
        add(c, TOKEN_CROSS);
        return;
    }
    if (whole && is_node)
        add(c, TOKEN_ANY);
    add(c, TOKEN_STAR);
}

static bool take(struct compiler *c, struct error *err) {
    if (*c->at == '*') {
        take_stars(c);
        return true;
    }
    if (*c->at == '?') {
        c->at++;
        add(c, TOKEN_ANY);
        return true;
    }
    if (*c->at == '[') {
        if (take_class(c))
            return true;
        if (c->dialect == GLOB_DOCKER)
            return error_set(err, ERR_INVALID, "the pattern '%.200s' has a '[' without a ']'",
                             c->start);
    }
    c->at += *c->at == '\\' && c->at[1];
    add(c, TOKEN_LETTER)->letter = next_character(&c->at);
    return true;
}

struct glob *glob_compile(const char *pattern, enum glob_dialect dialect, struct error *err) {
    size_t len = strlen(pattern);
    struct glob *glob = len <= GLOB_MAX ? calloc(1, sizeof(*glob)) : NULL;
    if (!glob) {
        error_set(err, ERR_TOO_LARGE, "the pattern is longer than %d bytes", GLOB_MAX);
        return NULL;
    }
    glob->tokens = calloc(2 * len + 2, sizeof(*glob->tokens));
    glob->ranges = calloc(len + 1, sizeof(*glob->ranges));
    struct compiler c = {.glob = glob, .dialect = dialect, .start = pattern, .at = pattern};
    if (!glob->tokens || !glob->ranges)
        abort();
    while (*c.at)
        if (!take(&c, err)) {
            glob_free(glob);
            return NULL;
        }
    while (glob->prefix < glob->count && glob->tokens[glob->prefix].kind == TOKEN_LETTER)
        glob->prefix++;
    while (glob->suffix < glob->count - glob->prefix &&
           glob->tokens[glob->count - 1 - glob->suffix].kind == TOKEN_LETTER)
        glob->suffix++;
    return glob;
}

void glob_free(struct glob *glob) {
    if (!glob)
        return;
    free(glob->tokens);
    free(glob->ranges);
    free(glob);
}

bool glob_is_pattern(const char *text) {
    return text[strcspn(text, "*?[\\")] != '\0';
}

/* ---- matching ---------------------------------------------------------------------------------
 */

static bool in_class(const struct glob *glob, const struct token *token, uint32_t c) {
    for (size_t i = 0; i < token->range_count; i++) {
        const struct range *range = &glob->ranges[token->range_at + i];
        if (c >= range->first && c <= range->last)
            return !token->negated;
    }
    return token->negated;
}

/* Marks token i, and what may stand there as well because tokens before it can be empty. */
static void reach(const struct glob *glob, bool *set, size_t i) {
    for (; !set[i]; i++) {
        set[i] = true;
        enum token_kind kind = i < glob->count ? glob->tokens[i].kind : TOKEN_LETTER;
        if (kind == TOKEN_FOLDERS) {
            set[++i] = true; /* the inside, which is left by a slash only */
            continue;
        }
        if (kind != TOKEN_STAR && kind != TOKEN_CROSS)
            return;
    }
}

static void step(const struct glob *glob, const bool *now, bool *next, uint32_t c) {
    for (size_t i = 0; i < glob->count; i++) {
        const struct token *token = &glob->tokens[i];
        bool inside = i && glob->tokens[i - 1].kind == TOKEN_FOLDERS;
        if (!now[i] || token->kind == TOKEN_FOLDERS)
            continue;
        if (token->kind == TOKEN_CROSS && inside) {
            next[i] = true;
            if (c == '/')
                reach(glob, next, i + 1);
        } else if (token->kind == TOKEN_CROSS || (token->kind == TOKEN_STAR && c != '/')) {
            reach(glob, next, i);
        } else if ((token->kind == TOKEN_LETTER && token->letter == c) ||
                   (token->kind == TOKEN_ANY && c != '/') ||
                   (token->kind == TOKEN_CLASS && c != '/' && in_class(glob, token, c))) {
            reach(glob, next, i + 1);
        }
    }
}

/* Only for ASCII ends: other letters have other lengths. */
static bool ends_differ(const struct glob *glob, const char *path, size_t len) {
    for (size_t i = 0; i < glob->prefix && glob->tokens[i].letter < 0x80; i++)
        if ((unsigned char)path[i] != glob->tokens[i].letter)
            return true;
    for (size_t i = 1; i <= glob->suffix; i++) {
        uint32_t letter = glob->tokens[glob->count - i].letter;
        if (letter >= 0x80)
            return false;
        if (i > len || (unsigned char)path[len - i] != letter)
            return true;
    }
    return false;
}

bool glob_match(const struct glob *glob, const char *path) {
    bool sets[2][2 * GLOB_MAX + 2];
    if (ends_differ(glob, path, strlen(path)))
        return false;
    bool *now = sets[0], *next = sets[1];
    memset(now, 0, glob->count + 1);
    reach(glob, now, 0);
    while (*path) {
        memset(next, 0, glob->count + 1);
        step(glob, now, next, next_character(&path));
        bool *old = now;
        now = next;
        next = old;
    }
    return now[glob->count];
}

bool glob_reaches(const struct glob *glob, const char *path) {
    for (size_t i = 0; i < glob->prefix; i++) {
        if (!*path)
            return true;
        if (next_character(&path) != glob->tokens[i].letter)
            return false;
    }
    /* All of it is letters: below `path` there is nothing of it. */
    return glob->prefix < glob->count || !*path;
}
