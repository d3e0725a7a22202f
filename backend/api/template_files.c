/* SPDX-License-Identifier: Apache-2.0
 *
 * The files that COPY steps need: a client asks for each archive by its hash, and is given an
 * address to put what is missing to.
 */
#include "backend/api/template_json.h"
#include "backend/core/file_writer.h"
#include "backend/core/uploads.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void ask(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    const char *hash = call->params[1], *port = strchr(api->domain, ':');
    char token[UPLOAD_TOKEN], url[256];
    if (!recipe_find(api->core, call->params[0], &err)) {
        exchange_reply_error(call->x, &err);
        return;
    }
    if (!upload_is_hash(hash))
        error_set(&err, ERR_INVALID, "validation error: '%.100s' is no SHA-256 in hexadecimal",
                  hash);
    if (err.kind || !upload_announce(api->core, hash, token, &err)) {
        exchange_reply_error(call->x, &err);
        return;
    }
    snprintf(url, sizeof(url), "http://127.0.0.1%s/template-files?token=%s", port ? port : "",
             token);
    exchange_add_header(call->x, "Cache-Control", "no-store");
    exchange_reply_json(
        call->x, 201,
        json_pack("{s:b, s:s}", "present", upload_is_present(api->core, hash), "url", url));
}

/* ---- the archive comes ---- */

struct receiving {
    struct exchange *x;
    struct core *core;
    struct upload_file file;
    struct file_writer *writer;
    bool failed;
};

static void fail(struct receiving *r, int error) {
    struct error err = ERROR_INIT;
    r->failed = true;
    error_errno(&err, error, "cannot keep the upload");
    exchange_reply_error(r->x, &err);
}

static void on_room(void *ctx) {
    struct receiving *r = ctx;
    exchange_read_more(r->x);
}

static void on_finished(void *ctx, int error) {
    struct receiving *r = ctx;
    struct error err = ERROR_INIT;
    r->writer = NULL;
    if (error) {
        fail(r, error);
    } else if (upload_commit(r->core, &r->file, &err)) {
        r->file.temporary[0] = '\0';
        exchange_reply_empty(r->x, 200);
    } else {
        exchange_reply_error(r->x, &err);
    }
}

static size_t on_body(void *ctx, const void *bytes, size_t len) {
    struct receiving *r = ctx;
    int error = r->failed ? 0 : file_writer_error(r->writer);
    if (error)
        fail(r, error);
    if (r->failed)
        return len;
    return file_writer_put(r->writer, bytes, len);
}

static void on_body_end(void *ctx) {
    struct receiving *r = ctx;
    if (!r->failed)
        file_writer_finish(r->writer);
}

/* Cut in the middle: nothing of it stays. */
static void on_closed(void *ctx, bool broken) {
    struct receiving *r = ctx;
    (void)broken;
    if (r->writer)
        file_writer_abandon(r->writer);
    if (*r->file.temporary)
        upload_abort(r->core, &r->file);
    free(r);
}

static bool check_length(const struct http1_head *head, struct error *err) {
    if (!head->has_length)
        return error_set(err, ERR_INVALID, "the upload needs a Content-Length");
    return head->length <= (uint64_t)upload_max_bytes ||
           error_set(err, ERR_TOO_LARGE, "an archive has at most %lld bytes",
                     (long long)upload_max_bytes);
}

static void put(struct call *call) {
    static const struct file_writer_events writing = {.room = on_room, .finished = on_finished};
    static const struct exchange_events events = {
        .body = on_body, .body_end = on_body_end, .closed = on_closed};
    const struct api *api = call->ctx;
    const struct http1_head *head = exchange_head(call->x);
    struct error err = ERROR_INIT;
    const char *token = exchange_param(call->x, "token", 0, &err);
    struct receiving *r = calloc(1, sizeof(*r));
    if (!r)
        error_errno(&err, ENOMEM, "cannot take an upload");
    if (!r || err.kind || !check_length(head, &err) ||
        !upload_begin(api->core, token ? token : "", &r->file, &err)) {
        free(r);
        exchange_reply_error(call->x, &err);
        return;
    }
    r->x = call->x;
    r->core = api->core;
    r->writer = file_writer_open(core_loop(api->core), r->file.fd, &writing, r);
    if (r->writer) {
        exchange_set_events(call->x, &events, r);
        return;
    }
    upload_abort(api->core, &r->file);
    free(r);
    error_errno(&err, ENOMEM, "cannot take an upload");
    exchange_reply_error(call->x, &err);
}

const struct route api_template_file_routes[] = {
    {"GET", "/templates/{id}/files/{hash}", 0, ask},
    {"PUT", "/template-files", ROUTE_OPEN | ROUTE_STREAM, put},
    {0},
};
