/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/envd.h"
#include "backend/envd/files_http.h"
#include "backend/envd/signature.h"

#include <string.h>

bool files_read_target(const struct sandbox *sandbox, struct exchange *x, const char *operation,
                       struct files_target *target) {
    struct error err = ERROR_INIT;
    *target = (struct files_target){0};
    if (signature_check(sandbox, x, operation, &err)) {
        const char *user = exchange_param(x, "username", 0, &err);
        if (!err.kind)
            target->path = exchange_param(x, "path", 0, &err);
        if (!err.kind)
            target->user = files_user(sandbox, user, &err);
        if (!err.kind && ((target->path && strlen(target->path) >= FILES_PATH) ||
                          strlen(target->user) >= USER_TEXT))
            error_set(&err, ERR_INVALID, "the path is too long");
    }
    if (err.kind)
        files_refuse(x, &err);
    return !err.kind;
}

const struct route envd_files_routes[] = {
    {"GET", "/files", ROUTE_OPEN, files_download},
    {"POST", "/files", ROUTE_OPEN | ROUTE_STREAM, files_upload},
    {"POST", "/files/compose", ROUTE_OPEN | ROUTE_JSON, files_compose_request},
    {0},
};
