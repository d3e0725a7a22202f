/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditional and range requests (RFC 9110, 13 and 14) for a file that has a time and no tag.
 */
#ifndef E2B_ENVD_RANGE_H
#define E2B_ENVD_RANGE_H

#include "common/http1.h"

enum { HTTP_DATE = 30 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" and its NUL */

struct file_range {
    int status; /* 200, 206, 304, 412 or 416 */
    int64_t start, len;
};

struct file_range range_decide(const struct http1_head *head, int64_t size, int64_t mtime);
/* Does the request ask for anything of the above? Then the file is sent as it is, uncompressed. */
bool range_is_asked(const struct http1_head *head);

/* What a Range header wants of `size` bytes; status 200: all. Several ranges are answered by all.
 */
struct file_range range_parse(struct slice value, int64_t size);
const char *http_date_format(int64_t unix_seconds, char text[static HTTP_DATE]);
/* All three forms of RFC 9110. */
bool http_date_parse(struct slice text, int64_t *unix_seconds);

#endif
