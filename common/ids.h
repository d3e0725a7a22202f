/* SPDX-License-Identifier: Apache-2.0
 *
 * Random names: sandbox ids, UUIDs, keys. All from getrandom(2).
 */
#ifndef E2B_COMMON_IDS_H
#define E2B_COMMON_IDS_H

#include "common/util.h"

enum {
    ID_SANDBOX = 21 + 1, /* 'i' and 20 of [a-z0-9] */
    ID_TEMPLATE = 20 + 1,
    ID_UUID = 36 + 1,
    ID_KEY = 44 + 1, /* "e2b_" and 40 hex digits */
};

void ids_random(void *bytes, size_t len);
void ids_sandbox(char out[static ID_SANDBOX]);
void ids_template(char out[static ID_TEMPLATE]);
void ids_uuid(char out[static ID_UUID]);
void ids_key(char out[static ID_KEY]);
void ids_hex(const void *bytes, size_t len, char *out); /* 2 * len + 1 bytes */
bool ids_equal_secret(const char *a, const char *b); /* time does not depend on where they differ */

#endif
