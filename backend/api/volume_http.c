/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/api/volume_http.h"

#include "backend/api/time_json.h"
#include "backend/envd/entry.h"
#include "common/ids.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_ID = 65535, MAX_MODE = 07777 };

/* ---- answers ---- */

void volume_reply_error(struct exchange *x, int status, const char *format, ...) {
    char code[16], text[FILES_PATH + 256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(code, sizeof(code), "%d", status);
    exchange_reply_json(x, status,
                        json_pack("{s:s, s:o}", "code", code, "message", entry_text(text)));
}

void volume_refuse(struct exchange *x, const struct error *err) {
    volume_reply_error(x, http_status_of(err->kind), "%s", err->message);
}

void volume_reply_failure(struct exchange *x, const struct files_result *result) {
    static const struct {
        enum files_failure failure;
        int status;
        const char *what;
    } known[] = {
        {FILES_MISSING, 404, "not found"},
        {FILES_NO_DIRECTORY, 400, "is not a directory"},
        {FILES_DIRECTORY, 400, "is a directory"},
        {FILES_NOT_REGULAR, 400, "is not a regular file"},
        {FILES_PARENT, 409, "is not a directory"},
        {FILES_EXISTS, 409, "already exists"},
        {FILES_BAD_PATH, 400, "is not understood: begin it with a slash"},
        {FILES_LOOP, 400, "has too many symbolic links"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].failure == result->failure) {
            volume_reply_error(x, known[i].status, "Path %s %s", result->path, known[i].what);
            return;
        }
    if (result->error == ENOSPC || result->error == EDQUOT)
        volume_reply_error(x, 507, "the disk is full");
    else if (result->error == EBUSY)
        volume_reply_error(x, 400, "the directory of the volume itself stays");
    else if (result->error == ENAMETOOLONG)
        volume_reply_error(x, 400, "the path is too long");
    else
        volume_reply_error(x, 500, "%s: %s", result->path, strerror(result->error));
}

static const char *type_of(uint32_t mode) {
    return S_ISREG(mode)   ? "file"
           : S_ISDIR(mode) ? "directory"
           : S_ISLNK(mode) ? "symlink"
                           : "unknown";
}

static json_t *time_of(int64_t seconds, uint32_t nanoseconds) {
    return time_json(seconds * 1000 + nanoseconds / 1000000);
}

json_t *volume_entry(const struct file_info *info) {
    json_t *entry =
        json_pack("{s:o, s:s, s:o, s:I, s:i, s:I, s:I, s:o, s:o, s:o}", "name",
                  entry_text(entry_name(info->path)), "type", type_of(info->mode), "path",
                  entry_text(info->path), "size", (json_int_t)info->size, "mode",
                  (int)(info->mode & MAX_MODE), "uid", (json_int_t)info->uid, "gid",
                  (json_int_t)info->gid, "atime", time_of(info->atime_sec, info->atime_nsec),
                  "mtime", time_of(info->mtime_sec, info->mtime_nsec), "ctime",
                  time_of(info->ctime_sec, info->ctime_nsec));
    if (info->target)
        json_object_set_new(entry, "target", entry_text(info->target));
    return entry;
}

/* ---- questions ---- */

/* Our own socket needs no token, as it needs no key. */
static bool check_token(const struct api *api, const struct volume *volume, struct exchange *x) {
    static const char scheme[] = "Bearer ";
    struct error err = ERROR_INIT;
    char token[VOLUME_TOKEN];
    const char *header = exchange_header(x, "Authorization");
    if (exchange_trusted(x))
        return true;
    if (volume && !volume_token(api->core, volume, token, &err))
        volume_refuse(x, &err);
    else if (!header)
        volume_reply_error(x, 401, "authorization header is missing");
    else if (strncmp(header, scheme, strlen(scheme)) != 0)
        volume_reply_error(x, 401, "authorization header is malformed");
    else if (!volume || !ids_equal_secret(header + strlen(scheme), token))
        volume_reply_error(x, 401, "Invalid volume token");
    else
        return true;
    return false;
}

static const char *read_path(struct exchange *x) {
    struct error err = ERROR_INIT;
    const char *path = exchange_param(x, "path", 0, &err);
    if (path && strlen(path) < FILES_PATH)
        return path;
    if (path)
        error_set(&err, ERR_INVALID, "the path is too long");
    else if (err.kind == ERR_NONE)
        error_set(&err, ERR_INVALID, "query parameter \"path\" is missing");
    volume_refuse(x, &err);
    return NULL;
}

const struct volume *volume_open(struct call *call, const char **path) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    const struct volume *volume = volume_find(api->core, call->params[0], &err);
    if (!check_token(api, volume, call->x))
        return NULL;
    if (!volume)
        volume_refuse(call->x, &err);
    else
        *path = read_path(call->x);
    return volume && *path ? volume : NULL;
}

static bool query_number(struct exchange *x, const char *name, int64_t max, char text[static 12],
                         struct error *err) {
    uint64_t number;
    const char *value = exchange_param(x, name, 0, err);
    text[0] = '\0';
    if (err->kind != ERR_NONE || !value)
        return err->kind == ERR_NONE;
    if (!slice_number((struct slice){value, strlen(value)}, &number) || number > (uint64_t)max)
        return error_set(err, ERR_INVALID, "%s must be between 0 and %lld", name, (long long)max);
    snprintf(text, 12, "%u", (unsigned)number);
    return true;
}

static bool body_number(const json_t *body, const char *name, int64_t max, char text[static 12],
                        struct error *err) {
    int64_t number = -1;
    text[0] = '\0';
    if (!json_get_int(body, name, 0, max, &number, err))
        return false;
    if (number >= 0)
        snprintf(text, 12, "%u", (unsigned)number);
    return true;
}

bool volume_attributes_read(struct exchange *x, const json_t *body,
                            struct volume_attributes *attributes) {
    struct error err = ERROR_INIT;
    const struct {
        const char *name;
        int64_t max;
        char *text;
    } fields[] = {
        {"uid", MAX_ID, attributes->uid},
        {"gid", MAX_ID, attributes->gid},
        {"mode", MAX_MODE, attributes->mode},
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (!(body ? body_number(body, fields[i].name, fields[i].max, fields[i].text, &err)
                   : query_number(x, fields[i].name, fields[i].max, fields[i].text, &err))) {
            volume_refuse(x, &err);
            return false;
        }
    return true;
}

const char *volume_force(struct exchange *x) {
    struct error ignored = ERROR_INIT;
    const char *force = exchange_param(x, "force", 0, &ignored);
    return force && strcmp(force, "true") == 0 ? "1" : "0";
}
