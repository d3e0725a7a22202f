/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of a list that is ordered by time and then by id: the cursor names the last item that was
 * given, so it stays right while items come and go.
 */
#ifndef E2B_API_PAGE_H
#define E2B_API_PAGE_H

#include "backend/http/server.h"
#include "common/clock.h"

enum { PAGE_MAX = 100, PAGE_ID = 64 };

struct page {
    int64_t limit;
    bool ascending; /* in time; ids are always ascending */
    bool has_cursor;
    int64_t cursor_ms;
    char cursor_id[PAGE_ID];
};

/* From the query's limit, nextToken and order. */
bool page_parse(struct exchange *x, struct page *page, struct error *err);
/* Does it come behind the cursor? */
bool page_holds(const struct page *page, int64_t ms, const char *id);
/* Says that more follows behind this item. */
void page_add_next(struct exchange *x, const struct page *page, int64_t ms, const char *id);

#endif
