/* SPDX-License-Identifier: Apache-2.0
 *
 * Routes as data: a room of the API hands over a table, and a request finds its row by method and
 * raw path. Authentication and body parsing are flags of the row, done before its handler runs.
 */
#ifndef E2B_HTTP_ROUTE_H
#define E2B_HTTP_ROUTE_H

#include "backend/http/server.h"

enum route_flags {
    ROUTE_OPEN = 1,     /* needs no key */
    ROUTE_JSON = 2,     /* body: JSON object required */
    ROUTE_JSON_MAY = 4, /* body: JSON object or nothing (then json is NULL) */
    ROUTE_STREAM = 8,   /* the handler deals with the body itself */
};

enum { ROUTE_MAX_PARAMS = 4 };

struct call {
    struct exchange *x;
    void *ctx;                      /* of the router */
    json_t *json;                   /* borrowed; released when the handler returns */
    char *params[ROUTE_MAX_PARAMS]; /* the {...} of the pattern, decoded, in order; valid like x */
};

struct route {
    const char *method;
    const char *pattern; /* "/sandboxes/{id}/timeout" */
    unsigned flags;
    void (*handler)(struct call *call);
};

struct router {
    const struct route *const *tables; /* each ended by a row without method */
    size_t table_count;
    void *ctx;
    /* Is it a key of ours? `is_bearer`: it came as a Bearer token, not in X-API-KEY. NULL: nobody
     * needs one. */
    bool (*check_key)(void *ctx, const char *key, bool is_bearer);
};

/* Answers 404 (no such path), 405 (with Allow), 401, 400 itself. */
void router_serve(const struct router *router, struct exchange *x);
/* Any page may ask: a browser's preliminary question is answered without a key. */
void router_allow(struct exchange *x, const char *methods);

#endif
