/* SPDX-License-Identifier: Apache-2.0
 *
 * Failures of file operations in the words of the API. The same failure has another code and text
 * with each operation; what an operation's own table leaves out is in a common one.
 */
#ifndef E2B_ENVD_FILES_TEXT_H
#define E2B_ENVD_FILES_TEXT_H

#include "backend/core/files.h"
#include "backend/core/sandbox.h"
#include "backend/envd/connect.h"
#include "backend/http/server.h"

enum { USER_TEXT = 256 }; /* room for a user's name in an error */

/* `code` is an enum connect_code, or an HTTP status. The text is before, path, after. A table ends
 * with FILES_OK. */
struct files_text {
    enum files_failure failure;
    int code;
    const char *before, *after;
};

void files_fail_connect(struct connect_call *call, const struct files_text *table,
                        const struct files_result *result, const char *user);
void files_fail_http(struct exchange *x, const struct files_text *table,
                     const struct files_result *result, const char *user);
/* {"code":status,"message":...} */
void files_refuse(struct exchange *x, const struct error *err);
void files_reply_error(struct exchange *x, int status, const char *format, ...) printf_like(3, 4);

/* Who is meant, `named` being NULL or empty if nobody was: the template's default user. NULL and
 * ERR_UNAUTHENTICATED if there is none. */
const char *files_user(const struct sandbox *sandbox, const char *named, struct error *err);
/* What an empty path means: the template's working directory, if it has one. */
const char *files_path(const struct sandbox *sandbox, const char *path);

#endif
