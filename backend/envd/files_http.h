/* SPDX-License-Identifier: Apache-2.0
 *
 * The handlers of /files, a file each: download.c, upload.c, compose.c.
 */
#ifndef E2B_ENVD_FILES_HTTP_H
#define E2B_ENVD_FILES_HTTP_H

#include "backend/core/files.h"
#include "backend/envd/files_text.h"
#include "backend/http/route.h"

void files_download(struct call *call);
void files_upload(struct call *call);
void files_compose_request(struct call *call);

/* What /files is asked about: its query parameters, checked. NULL path: absent. All live as long
 * as the exchange. False: answered. */
struct files_target {
    const char *path, *user;
};
bool files_read_target(const struct sandbox *sandbox, struct exchange *x, const char *operation,
                       struct files_target *target);

#endif
