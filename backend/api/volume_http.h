/* SPDX-License-Identifier: Apache-2.0
 *
 * What the calls on a volume's files share: who may ask, the query, and answers in the words of
 * that API, whose errors have a code that is a string.
 */
#ifndef E2B_API_VOLUME_HTTP_H
#define E2B_API_VOLUME_HTTP_H

#include "backend/api/api.h"
#include "backend/core/volumes.h"

void volume_reply_error(struct exchange *x, int status, const char *format, ...) printf_like(3, 4);
void volume_reply_failure(struct exchange *x, const struct files_result *result);
void volume_refuse(struct exchange *x, const struct error *err);
json_t *volume_entry(const struct file_info *info);

/* The volume of the path's first parameter, when its token came along, and the query's `path`.
 * NULL: answered. */
const struct volume *volume_open(struct call *call, const char **path);

/* Owner and mode as a helper takes them: decimal, or "" where nothing was said. */
struct volume_attributes {
    char uid[12], gid[12], mode[12];
};
/* From the query, or from a body (NULL: the query). False: answered. */
bool volume_attributes_read(struct exchange *x, const json_t *body,
                            struct volume_attributes *attributes);
/* The query's `force`, as a helper takes it. */
const char *volume_force(struct exchange *x);

#endif
