/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/disposition.h"

#include <string.h>
#include <strings.h>

static bool is_token_char(char c) {
    return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

bool disposition_is(struct slice value, const char *type) {
    const char *end = memchr(value.at, ';', value.len);
    if (end)
        value.len = (size_t)(end - value.at);
    return slice_is_nocase(slice_trim(value), type);
}

/* One "; name=value". */
struct param {
    struct slice name;
    struct slice value; /* without the quotes, still with its backslashes */
    bool quoted;
};

static size_t quoted_len(const char *at, size_t len) {
    size_t i = 0;
    while (i < len && at[i] != '"')
        i += at[i] == '\\' && i + 1 < len ? 2 : 1;
    return i;
}

/* Takes the next parameter off `rest`, which starts at its ';'. */
static bool next_param(struct slice *rest, struct param *p) {
    const char *at = rest->at, *end = rest->at + rest->len;
    while (at < end && (*at == ';' || is_space(*at)))
        at++;
    const char *name = at;
    while (at < end && is_token_char(*at))
        at++;
    p->name = (struct slice){name, (size_t)(at - name)};
    if (!p->name.len || at == end || *at != '=')
        return false;
    at++;
    p->quoted = at < end && *at == '"';
    at += p->quoted;
    p->value.at = at;
    if (p->quoted) {
        p->value.len = quoted_len(at, (size_t)(end - at));
        at += p->value.len;
        if (at == end)
            return false; /* the quote is not closed */
        at++;
    } else {
        while (at < end && is_token_char(*at))
            at++;
        p->value.len = (size_t)(at - p->value.at);
    }
    while (at < end && is_space(*at))
        at++;
    *rest = (struct slice){at, (size_t)(end - at)};
    return at == end || *at == ';';
}

/* A backslash quotes only what needs it: some clients send C:\dir\name as it is. */
static bool add_unquoted(const struct param *p, struct buf *out) {
    for (size_t i = 0; i < p->value.len; i++) {
        const char *c = p->value.at + i;
        if (p->quoted && *c == '\\' && i + 1 < p->value.len && (c[1] == '"' || c[1] == '\\')) {
            c++;
            i++;
        }
        if (!*c || !buf_add(out, c, 1))
            return false;
    }
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* charset'language'percent-encoded */
static bool add_extended(const struct param *p, struct buf *out) {
    static const char charset[] = "utf-8'";
    const char *at = p->value.at, *end = at + p->value.len;
    if (p->value.len < sizeof(charset) - 1 || strncasecmp(at, charset, sizeof(charset) - 1) != 0)
        return false;
    at = memchr(at + sizeof(charset) - 1, '\'', (size_t)(end - at) - (sizeof(charset) - 1));
    if (!at)
        return false;
    for (at++; at < end; at++) {
        char c = *at;
        if (c == '%') {
            int high = end - at > 2 ? hex_digit(at[1]) : -1;
            int low = high >= 0 ? hex_digit(at[2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            at += 2;
        }
        if (!c || !buf_add(out, &c, 1))
            return false;
    }
    return true;
}

static bool is_extended(struct slice name, const char *wanted) {
    return name.len && name.at[name.len - 1] == '*' &&
           slice_is_nocase((struct slice){name.at, name.len - 1}, wanted);
}

bool disposition_param(struct slice value, const char *name, struct buf *out) {
    const char *semicolon = memchr(value.at, ';', value.len);
    if (!semicolon)
        return false;
    struct slice rest = {semicolon, value.len - (size_t)(semicolon - value.at)};
    struct param p, plain = {0}, extended = {0};
    while (rest.len) {
        if (!next_param(&rest, &p))
            return false;
        if (is_extended(p.name, name))
            extended = p;
        else if (slice_is_nocase(p.name, name) && !plain.name.len)
            plain = p;
    }
    size_t before = out->len;
    if (extended.name.len) {
        if (add_extended(&extended, out))
            return true;
        out->len = before;
    }
    return plain.name.len && add_unquoted(&plain, out);
}

static bool is_bare(const char *text) {
    const char *c = text;
    while (is_token_char(*c))
        c++;
    return c > text && !*c;
}

static bool is_printable(const char *text) {
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

static bool add_encoded(const char *text, struct buf *out) {
    for (; *text; text++) {
        bool plain = is_token_char(*text) && !strchr("*'%", *text);
        if (!(plain ? buf_add(out, text, 1)
                    : buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text)))
            return false;
    }
    return true;
}

bool disposition_inline(const char *filename, struct buf *out) {
    if (is_bare(filename))
        return buf_printf(out, "inline; filename=%s", filename);
    if (!is_printable(filename))
        return buf_puts(out, "inline; filename*=utf-8''") && add_encoded(filename, out);
    bool ok = buf_puts(out, "inline; filename=\"");
    for (; ok && *filename; filename++)
        ok = ((*filename != '"' && *filename != '\\') || buf_puts(out, "\\")) &&
             buf_add(out, filename, 1);
    return ok && buf_puts(out, "\"");
}
