/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /files/compose: puts files together inside the sandbox and removes what they were made of.
 */
#include "backend/envd/entry.h"
#include "backend/envd/envd.h"
#include "backend/envd/files_http.h"

#include <stdio.h>
#include <string.h>

enum { MAX_SOURCES = 1000 };

static const struct files_text texts[] = {
    {FILES_MISSING, 404, "source file not found: ", ""},
    {FILES_DIRECTORY, 400, "path is not a regular file: ", ""},
    {FILES_NOT_REGULAR, 400, "path is not a regular file: ", ""},
    {FILES_SAME_PATH, 400, "the destination is one of the sources: ", ""},
    {FILES_OK, 0, NULL, NULL},
};

struct composition {
    struct exchange *x;
    struct files_query *query;
    char user[USER_TEXT];
};

static void closed(void *ctx, bool broken) {
    struct composition *c = ctx;
    (void)broken;
    if (c->query)
        files_cancel(c->query);
    free(c);
}

static void done(void *ctx, const struct files_result *r) {
    struct composition *c = ctx;
    c->query = NULL;
    if (r->fd >= 0)
        close(r->fd);
    if (r->failure)
        files_fail_http(c->x, texts, r, c->user);
    else
        exchange_reply_json(c->x, 200, entry_written(r->path, NULL, 0));
}

/* Fills `args` with destination, sources, NULL. */
static bool read_paths(const struct sandbox *sandbox, const json_t *body,
                       const char *args[static MAX_SOURCES + 2], struct error *err) {
    json_t *sources = NULL, *source;
    const char *destination = NULL;
    size_t i, count = 0;
    if (!json_get_array(body, "source_paths", &sources, err) ||
        !json_get_string(body, "destination", &destination, err))
        return false;
    if (!json_array_size(sources))
        return error_set(err, ERR_INVALID, "source_paths must not be empty");
    if (json_array_size(sources) > MAX_SOURCES)
        return error_set(err, ERR_INVALID, "more than %d source_paths", MAX_SOURCES);
    if (!destination || !*destination)
        return error_set(err, ERR_INVALID, "destination must not be empty");
    args[count++] = files_path(sandbox, destination);
    json_array_foreach(sources, i, source) {
        const char *path = json_string_value(source);
        if (!path || !*path)
            return error_set(err, ERR_INVALID, "source_paths must be non-empty strings");
        if (strcmp(path, destination) == 0)
            return error_set(err, ERR_INVALID, "the destination is one of the sources: %s", path);
        args[count++] = path;
    }
    args[count] = NULL;
    return true;
}

void files_compose_request(struct call *call) {
    struct error err = ERROR_INIT;
    struct sandbox *sandbox = call->ctx;
    const char *args[MAX_SOURCES + 2], *named = NULL;
    if (!envd_authorize(sandbox, call->x))
        return;
    struct composition *c = calloc(1, sizeof(*c));
    if (!c) {
        files_reply_error(call->x, 500, "no memory");
        return;
    }
    const char *user = json_get_string(call->json, "username", &named, &err)
                           ? files_user(sandbox, named, &err)
                           : NULL;
    if (user && read_paths(sandbox, call->json, args, &err)) {
        c->x = call->x;
        snprintf(c->user, sizeof(c->user), "%s", user);
        const struct files_request request = {
            .op = HELPER_FILE_COMPOSE, .user = user, .args = args, .done = done, .ctx = c};
        c->query = files_ask(sandbox, &request, &err);
    }
    if (c->query) {
        exchange_set_events(call->x, &(struct exchange_events){.closed = closed}, c);
        return;
    }
    free(c);
    files_refuse(call->x, &err);
}
