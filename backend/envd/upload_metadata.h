/* SPDX-License-Identifier: Apache-2.0
 *
 * What an upload's X-Metadata-* headers say of its files.
 */
#ifndef E2B_ENVD_UPLOAD_METADATA_H
#define E2B_ENVD_UPLOAD_METADATA_H

#include "common/error.h"
#include "common/http1.h"

enum {
    METADATA_MAX_KEY = 246, /* the kernel's 255 without "user.e2b." */
    METADATA_MAX_TOTAL = 4096,
    METADATA_MAX_PAIRS = HTTP1_MAX_HEADERS,
};

struct upload_metadata {
    const char *pairs[2 * METADATA_MAX_PAIRS]; /* key, value, ... in `text` */
    size_t count;                              /* of strings, twice the pairs */
    char text[METADATA_MAX_TOTAL + METADATA_MAX_PAIRS];
};

bool upload_metadata_read(const struct http1_head *head, struct upload_metadata *metadata,
                          struct error *err);

#endif
