/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the row of a request and does what the row's flags ask before its handler runs. Paths are
 * matched as they came, still encoded: a template's name may hold an encoded slash. Of several rows
 * that match, the one whose literal beginning is longest wins, so tables need no order.
 */
#include "backend/http/route.h"

#include "backend/http/internal.h"
#include "backend/http/query.h"

#include <string.h>

enum { MAX_JSON_BODY = 16 << 20 };

struct match {
    const struct route *route; /* NULL: none for this method */
    size_t literal;            /* bytes of the pattern before its first parameter */
    unsigned rows;             /* that match the path, whatever their method */
};

/* ---- matching ---- */

static bool path_matches(const char *pattern, const char *path) {
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t len = strcspn(path, "/");
        if (!len)
            return false;
        path += len;
        pattern = strchr(pattern, '}') + 1;
    }
    return !*path;
}

static bool method_matches(const struct route *route, struct slice method) {
    return slice_is(method, route->method) ||
           (slice_is(method, "HEAD") && strcmp(route->method, "GET") == 0);
}

static struct match find(const struct router *router, const char *path, struct slice method) {
    struct match match = {0};
    for (size_t t = 0; t < router->table_count; t++)
        for (const struct route *route = router->tables[t]; route->method; route++) {
            if (!path_matches(route->pattern, path))
                continue;
            match.rows++;
            size_t literal = strcspn(route->pattern, "{");
            if (!method_matches(route, method) || (match.route && literal <= match.literal))
                continue;
            match.route = route;
            match.literal = literal;
        }
    return match;
}

static bool decode_params(struct call *call, const char *pattern, const char *path) {
    size_t count = 0;
    for (; *pattern; pattern++, path++) {
        if (*pattern != '{')
            continue;
        size_t len = strcspn(path, "/");
        char *text = exchange_alloc(call->x, len + 1);
        if (count == ROUTE_MAX_PARAMS || !text ||
            !query_decode((struct slice){path, len}, text, false))
            return false;
        call->params[count++] = text;
        path += len - 1;
        pattern = strchr(pattern, '}');
    }
    return true;
}

/* ---- answers of the router itself ---- */

static void list_methods(const struct router *router, const char *path, char *list, size_t size) {
    size_t len = 0;
    list[0] = '\0';
    for (size_t t = 0; t < router->table_count; t++)
        for (const struct route *route = router->tables[t]; route->method; route++) {
            size_t more = strlen(route->method);
            if (!path_matches(route->pattern, path) || len + more + 3 > size)
                continue;
            memcpy(list + len, route->method, more);
            memcpy(list + len + more, ", ", 3);
            len += more + 2;
        }
    if (len)
        list[len - 2] = '\0';
}

static void reply_wrong_method(const struct router *router, struct exchange *x) {
    char allow[128];
    list_methods(router, exchange_path(x), allow, sizeof(allow));
    exchange_add_header(x, "Allow", "%s", allow);
    exchange_refuse(x, 405, "method not allowed");
}

void router_allow(struct exchange *x, const char *methods) {
    const char *headers = exchange_header(x, "Access-Control-Request-Headers");
    exchange_add_header(x, "Allow", "%s", methods);
    exchange_add_header(x, "Access-Control-Allow-Methods", "%s", methods);
    exchange_add_header(x, "Access-Control-Allow-Headers", "%s", headers ? headers : "*");
    exchange_add_header(x, "Access-Control-Max-Age", "7200");
    exchange_reply_empty(x, 204);
}

static void reply_options(const struct router *router, struct exchange *x) {
    char allow[128];
    list_methods(router, exchange_path(x), allow, sizeof(allow));
    router_allow(x, allow);
}

static bool check_key(const struct router *router, struct exchange *x) {
    static const char invalid[] = "Invalid API key, please visit https://e2b.dev/docs/api-key for "
                                  "more information.";
    if (!router->check_key || exchange_trusted(x))
        return true;
    const char *key = exchange_header(x, "X-API-KEY");
    const char *bearer = exchange_header(x, "Authorization");
    if (!key && !bearer) {
        exchange_refuse(x, 401, "authorization header is missing");
    } else if (!key && strncmp(bearer, "Bearer ", 7) != 0) {
        exchange_refuse(x, 401, "authorization header is malformed");
    } else {
        if (router->check_key(router->ctx, key ? key : bearer + 7, !key))
            return true;
        exchange_refuse(x, 401, invalid);
    }
    return false;
}

/* ---- bodies ---- */

struct pending {
    struct call call;
    const struct route *route;
};

static void reply_bad_body(struct exchange *x, const char *reason) {
    struct error err = ERROR_INIT;
    error_set(&err, ERR_INVALID, "Error when parsing request: %s", reason);
    exchange_reply_error(x, &err);
}

static void on_body(void *ctx, struct exchange *x, const char *bytes, size_t len) {
    struct pending *p = ctx;
    struct error err = ERROR_INIT;
    cleanup_json json_t *json = len ? json_parse(bytes, len, &err) : NULL;
    if (len && !json)
        reply_bad_body(x, err.message);
    else if (!json && (p->route->flags & ROUTE_JSON))
        reply_bad_body(x, "the body is empty");
    else if (json && !json_is_object(json))
        reply_bad_body(x, "the body is not a JSON object");
    else {
        p->call.json = json;
        p->route->handler(&p->call);
    }
}

static void serve(const struct route *route, struct call *call) {
    if (!(route->flags & (ROUTE_JSON | ROUTE_JSON_MAY))) {
        route->handler(call);
        return;
    }
    struct pending *p = exchange_alloc(call->x, sizeof(*p));
    if (!p) {
        exchange_refuse(call->x, 500, "out of memory");
        return;
    }
    *p = (struct pending){.call = *call, .route = route};
    exchange_read_body(call->x, MAX_JSON_BODY, on_body, p);
}

void router_serve(const struct router *router, struct exchange *x) {
    const char *path = exchange_path(x);
    struct slice method = exchange_head(x)->method;
    struct match match = find(router, path, method);
    struct call call = {.x = x, .ctx = router->ctx};
    if (slice_is(method, "OPTIONS") && (match.rows || strcmp(path, "*") == 0))
        reply_options(router, x);
    else if (!match.rows)
        exchange_refuse(x, 404, "no such path");
    else if (!match.route)
        reply_wrong_method(router, x);
    else if (!decode_params(&call, match.route->pattern, path))
        exchange_refuse(x, 400, "the path is badly encoded");
    else if ((match.route->flags & ROUTE_OPEN) || check_key(router, x))
        serve(match.route, &call);
}
