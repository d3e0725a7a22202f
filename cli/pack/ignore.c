/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pack/ignore.h"

#include "cli/alloc.h"

#include <stdio.h>
#include <string.h>

static bool add_rule(struct ignore *ignore, const char *pattern, bool negated, struct error *err) {
    struct glob *glob = glob_compile(pattern, ignore->is_compat ? GLOB_NODE : GLOB_DOCKER, err);
    if (!glob)
        return false;
    if (ignore->count == IGNORE_MAX_RULES) {
        glob_free(glob);
        return error_set(err, ERR_TOO_LARGE, "more than %d patterns", IGNORE_MAX_RULES);
    }
    ignore->rules = alloc_array(ignore->rules, ignore->count + 1, sizeof(*ignore->rules));
    char *text = NULL;
    if (asprintf(&text, "%s%s", negated ? "!" : "", pattern) < 0)
        abort();
    ignore->rules[ignore->count++] =
        (struct ignore_rule){.text = text, .negated = negated, .glob = glob};
    return true;
}

/* ---- Docker's reading -------------------------------------------------------------------------
 */

/* Drops empty and "." names and resolves "..", in place, as Go's filepath.Clean. */
static void clean(char *path) {
    char *out = path;
    for (char *at = path; *at;) {
        at += strspn(at, "/");
        size_t len = strcspn(at, "/");
        if (len == 2 && strncmp(at, "..", 2) == 0) {
            while (out > path && *--out != '/')
                ;
        } else if (len && !(len == 1 && *at == '.')) {
            if (out > path)
                *out++ = '/';
            memmove(out, at, len);
            out += len;
        }
        at += len;
    }
    *out = '\0';
}

static bool take_docker(struct ignore *ignore, char *line, struct error *err) {
    bool negated = *line == '!';
    line += negated;
    line += strspn(line, " \t");
    if (!*line)
        return error_set(err, ERR_INVALID, "a pattern is missing behind the '!'");
    clean(line);
    return !*line || add_rule(ignore, line, negated, err);
}

/* ---- the official clients' reading ------------------------------------------------------------
 */

/* "a{b,c}d" is "abd" and "acd". */
static bool take_braces(struct ignore *ignore, const char *pattern, struct error *err) {
    size_t open = 0, close, depth = 0, start;
    while (pattern[open] && pattern[open] != '{')
        open += 1 + (pattern[open] == '\\' && pattern[open + 1]);
    for (close = open; pattern[close]; close++) {
        depth += pattern[close] == '{';
        if (pattern[close] == '}' && --depth == 0)
            break;
    }
    if (!pattern[close] || !memchr(pattern + open, ',', close - open))
        return add_rule(ignore, pattern, false, err);
    start = open + 1;
    for (size_t i = start; i <= close; i++) {
        depth += pattern[i] == '{';
        depth -= pattern[i] == '}' && i < close;
        if (depth || (i < close && pattern[i] != ','))
            continue;
        cleanup_free char *one = NULL;
        if (asprintf(&one, "%.*s%.*s%s", (int)open, pattern, (int)(i - start), pattern + start,
                     pattern + close + 1) < 0)
            abort();
        if (!take_braces(ignore, one, err))
            return false;
        start = i + 1;
    }
    return true;
}

static char *trim(char *line) {
    line += strspn(line, " \t\r");
    size_t len = strlen(line);
    while (len && strchr(" \t\r", line[len - 1]))
        line[--len] = '\0';
    return line;
}

static bool take_line(struct ignore *ignore, char *line, struct error *err) {
    bool is_comment = *line == '#';
    line = trim(line);
    if (ignore->is_compat) {
        line += strncmp(line, "./", 2) == 0 ? 2 : 0;
        return !*line || *line == '#' || take_braces(ignore, line, err);
    }
    return !*line || is_comment || take_docker(ignore, line, err);
}

bool ignore_parse(struct ignore *ignore, const char *name, const char *text, size_t len,
                  bool is_compat, struct error *err) {
    static const char mark[] = "\xef\xbb\xbf";
    *ignore = (struct ignore){.is_compat = is_compat};
    if (memchr(text, '\0', len))
        return error_set(err, ERR_INVALID, "%s is no text", name);
    cleanup_free char *copy = strndup(text, len);
    if (!copy)
        abort();
    char *at = strncmp(copy, mark, 3) == 0 ? copy + 3 : copy;
    for (size_t number = 1; at; number++)
        if (!take_line(ignore, strsep(&at, "\n"), err)) {
            ignore_free(ignore);
            return error_wrap(err, "%s:%zu", name, number);
        }
    return true;
}

void ignore_free(struct ignore *ignore) {
    for (size_t i = 0; i < ignore->count; i++) {
        free(ignore->rules[i].text);
        glob_free(ignore->rules[i].glob);
    }
    free(ignore->rules);
    *ignore = (struct ignore){0};
}

/* ---- questions --------------------------------------------------------------------------------
 */

/* A pattern may say that it means a folder: "x/" and "x/" followed by "**" are asked with a slash.
 */
static bool compat_match(const struct ignore *ignore, const char *path) {
    cleanup_free char *folder = NULL;
    if (asprintf(&folder, "%s/", path) < 0)
        abort();
    for (size_t i = 0; i < ignore->count; i++)
        if (glob_match(ignore->rules[i].glob, path) || glob_match(ignore->rules[i].glob, folder))
            return true;
    return false;
}

bool ignore_path(const struct ignore *ignore, const char *path, const bool *above, bool *here) {
    bool ignored = false;
    if (ignore->is_compat)
        return ignore->count && compat_match(ignore, path);
    for (size_t i = 0; i < ignore->count; i++) {
        here[i] = (above && above[i]) || glob_match(ignore->rules[i].glob, path);
        if (here[i])
            ignored = !ignore->rules[i].negated;
    }
    return ignored;
}

bool ignore_reopens(const struct ignore *ignore, const char *folder) {
    if (ignore->is_compat)
        return true;
    for (size_t i = 0; i < ignore->count; i++)
        if (ignore->rules[i].negated && glob_reaches(ignore->rules[i].glob, folder))
            return true;
    return false;
}
