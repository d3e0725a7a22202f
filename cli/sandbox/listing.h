/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v2/sandboxes, page after page, with the filters that list and kill share.
 */
#ifndef E2B_CLI_SANDBOX_LISTING_H
#define E2B_CLI_SANDBOX_LISTING_H

#include "cli/command.h"

#include <jansson.h>

enum { LISTING_PAGE = 100 };

/* Rows of an option table. */
#define LISTING_OPTIONS                                                                            \
    {.name = "state",                                                                              \
     .letter = 's',                                                                                \
     .type = OPTION_STRING,                                                                        \
     .value = "states",                                                                            \
     .fallback = "running",                                                                        \
     .help = "only these states: running, paused, or both with a comma between"},                  \
    {                                                                                              \
        .name = "metadata", .letter = 'm', .type = OPTION_STRING, .value = "k=v,k2=v2",            \
        .help = "only those with all of this metadata"                                             \
    }

struct listing {
    char *query; /* of the first page, without limit and token */
    char *token; /* of the next page */
    bool more;   /* there may be another page */
};
void listing_free(struct listing *listing);
#define cleanup_listing cleanup(listing_free)

/* Reads --state and --metadata; `extra` (may be NULL) is put behind: "&order=asc". */
bool listing_start(const struct invocation *in, const char *extra, struct listing *listing,
                   struct error *err);
/* A page of at most `limit` sandboxes (an array, the caller's), or NULL. */
json_t *listing_next(struct client *client, struct listing *listing, int64_t limit,
                     struct error *err);

#endif
