/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/api/page.h"
#include "common/base64.h"

#include <stdio.h>
#include <string.h>

enum { MAX_TOKEN = 256 };
static const char ascending_mark[] = "__asc";

/* ---- the cursor: base64url("<time>__<id>[__asc]") ---- */

static bool split(char *text, struct page *page) {
    struct error ignored = ERROR_INIT;
    char *id = strstr(text, "__");
    if (!id)
        return false;
    *id = '\0';
    id += 2;
    char *mark = strstr(id, ascending_mark);
    if ((mark && mark[sizeof(ascending_mark) - 1]) || (mark != NULL) != page->ascending)
        return false;
    if (mark)
        *mark = '\0';
    if (!*id || strlen(id) >= PAGE_ID || !clock_parse(text, &page->cursor_ms, &ignored))
        return false;
    memcpy(page->cursor_id, id, strlen(id) + 1);
    page->has_cursor = true;
    return true;
}

static bool decode(const char *token, struct page *page) {
    char text[MAX_TOKEN + 4];
    size_t len = strlen(token), used;
    if (len > MAX_TOKEN || !base64_decode(token, len, text, &used))
        return false;
    text[used] = '\0';
    return strlen(text) == used && split(text, page);
}

void page_add_next(struct exchange *x, const struct page *page, int64_t ms, const char *id) {
    char time[CLOCK_TEXT], text[CLOCK_TEXT + PAGE_ID + 16], token[MAX_TOKEN];
    int len = snprintf(text, sizeof(text), "%s__%s%s", clock_format(ms, time), id,
                       page->ascending ? ascending_mark : "");
    base64_encode(text, (size_t)len, token);
    for (char *at = token; *at; at++)
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    exchange_add_header(x, "X-Next-Token", "%s", token);
}

/* ---- the query ---- */

static bool parse_limit(const char *text, struct page *page, struct error *err) {
    uint64_t number;
    page->limit = PAGE_MAX;
    if (!text)
        return true;
    if (!slice_number((struct slice){text, strlen(text)}, &number) || number < 1 ||
        number > PAGE_MAX)
        return error_set(err, ERR_INVALID, "validation error: limit must be between 1 and %d",
                         PAGE_MAX);
    page->limit = (int64_t)number;
    return true;
}

bool page_parse(struct exchange *x, struct page *page, struct error *err) {
    *page = (struct page){0};
    const char *order = exchange_param(x, "order", 0, err);
    const char *limit = exchange_param(x, "limit", 0, err);
    const char *token = exchange_param(x, "nextToken", 0, err);
    if (err->kind != ERR_NONE || !parse_limit(limit, page, err))
        return false;
    if (order && strcmp(order, "asc") != 0 && strcmp(order, "desc") != 0)
        return error_set(err, ERR_INVALID, "validation error: order must be asc or desc");
    page->ascending = order && strcmp(order, "asc") == 0;
    if (token && *token && !decode(token, page))
        return error_set(err, ERR_INVALID, "Invalid next token");
    return true;
}

bool page_holds(const struct page *page, int64_t ms, const char *id) {
    if (!page->has_cursor)
        return true;
    if (ms != page->cursor_ms)
        return page->ascending == (ms > page->cursor_ms);
    return strcmp(id, page->cursor_id) > 0;
}
