/* SPDX-License-Identifier: Apache-2.0
 *
 * An entry of the file system as the API tells of it.
 */
#ifndef E2B_ENVD_ENTRY_H
#define E2B_ENVD_ENTRY_H

#include "backend/core/files_message.h"
#include "common/json.h"

/* filesystem.EntryInfo; `path` NULL: the record's own. NULL: no memory. */
json_t *entry_json(const struct file_info *info, const char *path);
/* {"name","path","type":"file"}, with the metadata if there is any: what /files tells of a file. */
json_t *entry_written(const char *path, const char *metadata, size_t metadata_len);
/* As Go writes file modes: "-rw-r--r--", "dtrwxrwxrwx". */
enum { ENTRY_PERMISSIONS = 16 };
const char *entry_permissions(uint32_t mode, char text[static ENTRY_PERMISSIONS]);
/* A string of any bytes; what is not UTF-8 becomes U+FFFD. */
json_t *entry_text(const char *bytes);
/* The last component; "/" of the root. */
const char *entry_name(const char *path);

#endif
