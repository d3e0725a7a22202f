/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/upload.h"
#include "backend/envd/disposition.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static void answered(struct upload *u) {
    u->state = ANSWERED;
    if (u->writer)
        file_writer_abandon(steal_ptr(&u->writer));
}

void upload_fail(struct upload *u, int status, const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    files_reply_error(u->x, status, "%s", text);
    answered(u);
}

void upload_fail_result(struct upload *u, const struct files_result *result) {
    static const struct files_text texts[] = {
        {FILES_DIRECTORY, 400, "path is a directory: ", ""},
        {FILES_OK, 0, NULL, NULL},
    };
    files_fail_http(u->x, texts, result, u->user);
    answered(u);
}

void upload_fail_errno(struct upload *u, int error) {
    upload_fail_result(u, &(struct files_result){.failure = FILES_SYSTEM,
                                                 .error = error,
                                                 .path = u->opened ? u->opened : "",
                                                 .fd = -1});
}

void upload_fail_error(struct upload *u, const struct error *err) {
    files_refuse(u->x, err);
    answered(u);
}

void upload_succeed(struct upload *u) {
    exchange_reply_json(u->x, 200, json_incref(u->written));
    answered(u);
}

static bool read_coding(struct upload *u) {
    const char *coding = exchange_header(u->x, "Content-Encoding");
    if (!coding || !*coding || strcasecmp(coding, "identity") == 0)
        return true;
    if (strcasecmp(coding, "gzip") != 0)
        upload_fail(u, 400, "unsupported Content-Encoding: %s, supported: [identity, gzip]",
                    coding);
    else if (!(u->gunzip = gunzip_new()))
        upload_fail(u, 500, "no memory");
    return u->state != ANSWERED;
}

static bool read_type(struct upload *u) {
    const char *text = exchange_header(u->x, "Content-Type");
    struct slice type = {text ? text : "", text ? strlen(text) : 0};
    if (disposition_is(type, "multipart/form-data")) {
        u->is_form = true;
        if (!multipart_init(&u->form, type))
            upload_fail(u, 400, "the multipart body has no usable boundary");
    } else if (!disposition_is(type, "application/octet-stream")) {
        upload_fail(u, 400,
                    "unsupported content type: %s, expected multipart/form-data or "
                    "application/octet-stream",
                    type.at);
    } else if (!u->path) {
        upload_fail(u, 400, "path query parameter is required for raw body upload");
    }
    return u->state != ANSWERED;
}

void files_upload(struct call *call) {
    struct error err = ERROR_INIT;
    struct sandbox *sandbox = call->ctx;
    struct files_target target;
    if (!files_read_target(sandbox, call->x, "write", &target))
        return;
    struct upload *u = calloc(1, sizeof(*u));
    if (u) {
        u->written = json_array();
        u->paths = json_object();
    }
    if (!u || !u->written || !u->paths) {
        free(u);
        files_reply_error(call->x, 500, "no memory");
        return;
    }
    u->x = call->x;
    u->core = sandbox->core;
    u->path = target.path;
    memcpy(u->sandbox_id, sandbox->id, sizeof(u->sandbox_id));
    snprintf(u->user, sizeof(u->user), "%s", target.user);
    exchange_set_events(call->x, &upload_events, u);
    if (!upload_metadata_read(exchange_head(u->x), &u->metadata, &err)) {
        upload_fail_error(u, &err);
    } else if (read_coding(u) && read_type(u) && !u->is_form) {
        upload_open_file(u, u->path);
    }
}
