/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/files_text.h"
#include "backend/envd/entry.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 1024 };

static const struct files_text common_connect[] = {
    {FILES_NO_USER, CONNECT_UNAUTHENTICATED, "invalid username: '", "'"},
    {FILES_BAD_PATH, CONNECT_INVALID_ARGUMENT, "cannot expand user-specific home dir", NULL},
    {FILES_MISSING, CONNECT_NOT_FOUND, "path not found: ", ""},
    {FILES_DIRECTORY, CONNECT_INVALID_ARGUMENT, "path is a directory: ", ""},
    {FILES_NO_DIRECTORY, CONNECT_INVALID_ARGUMENT, "path is not a directory: ", ""},
    {FILES_PARENT, CONNECT_INTERNAL, "path is a file: ", ""},
    {FILES_NOT_REGULAR, CONNECT_INVALID_ARGUMENT, "path is not a regular file: ", ""},
    {FILES_LOOP, CONNECT_FAILED_PRECONDITION, "cyclic symlink or chain >255 links at ", ""},
    {FILES_OK, 0, NULL, NULL},
};

static const struct files_text common_http[] = {
    {FILES_NO_USER, 401, "error looking up user '", "': unknown user"},
    {FILES_BAD_PATH, 400, "error resolving path: cannot expand user-specific home dir", NULL},
    {FILES_MISSING, 404, "path '", "' does not exist"},
    {FILES_DIRECTORY, 400, "path '", "' is a directory"},
    {FILES_PARENT, 400, "error ensuring directories: path is a file: ", ""},
    {FILES_NOT_REGULAR, 400, "path '", "' is not a regular file"},
    {FILES_LOOP, 400, "path '", "' has too many levels of symbolic links"},
    {FILES_TOO_LARGE, 400, "path '", "' is too large to be read from its file system"},
    {FILES_NO_METADATA, 501, "the file system of '", "' keeps no metadata of files"},
    {FILES_OK, 0, NULL, NULL},
};

/* What the kernel says, where it is the caller's doing. */
static const struct {
    int error, connect, http;
} errnos[] = {
    {EACCES, CONNECT_PERMISSION_DENIED, 403},  {EPERM, CONNECT_PERMISSION_DENIED, 403},
    {EROFS, CONNECT_PERMISSION_DENIED, 403},   {ENAMETOOLONG, CONNECT_INVALID_ARGUMENT, 400},
    {EINVAL, CONNECT_INVALID_ARGUMENT, 400},   {ENOSPC, CONNECT_RESOURCE_EXHAUSTED, 507},
    {EDQUOT, CONNECT_RESOURCE_EXHAUSTED, 507}, {ENOTEMPTY, CONNECT_FAILED_PRECONDITION, 400},
    {EISDIR, CONNECT_INVALID_ARGUMENT, 400},   {ENOTDIR, CONNECT_INVALID_ARGUMENT, 400},
    {EBUSY, CONNECT_FAILED_PRECONDITION, 400}, {EPIPE, CONNECT_UNAVAILABLE, 502},
};

static int code_of_errno(int error, bool http) {
    for (size_t i = 0; i < ARRAY_LEN(errnos); i++)
        if (errnos[i].error == error)
            return http ? errnos[i].http : errnos[i].connect;
    return http ? 500 : CONNECT_INTERNAL;
}

static const struct files_text *find(const struct files_text *table, enum files_failure failure) {
    for (; table && table->failure; table++)
        if (table->failure == failure)
            return table;
    return NULL;
}

static int explain(const struct files_text *row, const struct files_result *r, const char *user,
                   bool http, char text[static TEXT]) {
    const char *what = r->failure == FILES_NO_USER ? user : r->path;
    int code = row ? row->code : code_of_errno(r->lost ? EPIPE : r->error, http);
    if (row)
        snprintf(text, TEXT, "%s%s%s", row->before, row->after ? what : "",
                 row->after ? row->after : "");
    else if (r->lost)
        snprintf(text, TEXT, "the sandbox did not answer: it may have ended");
    else if (r->error == ENOSPC || r->error == EDQUOT)
        snprintf(text, TEXT, "not enough disk space available");
    else
        snprintf(text, TEXT, "%s%s%s", what, *what ? ": " : "", strerror(r->error));
    return code;
}

void files_fail_connect(struct connect_call *call, const struct files_text *table,
                        const struct files_result *result, const char *user) {
    char text[TEXT];
    const struct files_text *row = find(table, result->failure);
    if (!row)
        row = find(common_connect, result->failure);
    int code = explain(row, result, user, false, text);
    connect_fail(call, (enum connect_code)code, "%s", text);
}

void files_fail_http(struct exchange *x, const struct files_text *table,
                     const struct files_result *result, const char *user) {
    char text[TEXT];
    const struct files_text *row = find(table, result->failure);
    if (!row)
        row = find(common_http, result->failure);
    int status = explain(row, result, user, true, text);
    files_reply_error(x, status, "%s", text);
}

void files_reply_error(struct exchange *x, int status, const char *format, ...) {
    char text[TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    exchange_add_header(x, "X-Content-Type-Options", "nosniff");
    exchange_reply_json(x, status,
                        json_pack("{s:i, s:o}", "code", status, "message", entry_text(text)));
}

void files_refuse(struct exchange *x, const struct error *err) {
    files_reply_error(x, http_status_of(err->kind), "%s", err->message);
}

const char *files_user(const struct sandbox *sandbox, const char *named, struct error *err) {
    const char *user = named && *named ? named : sandbox->default_user;
    if (!user || !*user) {
        error_set(err, ERR_UNAUTHENTICATED, "no user specified");
        return NULL;
    }
    return user;
}

const char *files_path(const struct sandbox *sandbox, const char *path) {
    return !*path && sandbox->default_workdir ? sandbox->default_workdir : path;
}
