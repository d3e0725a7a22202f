/* SPDX-License-Identifier: Apache-2.0
 *
 * What a file is: by its name, else by its first bytes.
 */
#ifndef E2B_ENVD_MEDIA_TYPE_H
#define E2B_ENVD_MEDIA_TYPE_H

#include <stddef.h>

enum { MEDIA_SNIFF = 512 }; /* bytes worth looking at */

/* By the extension, NULL if it tells nothing. */
const char *media_type_of_name(const char *name);
const char *media_type_of_bytes(const void *bytes, size_t len);

#endif
