/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64 (RFC 4648) as the JSON form of protobuf `bytes`: written with the standard alphabet and
 * padding, read also in the URL alphabet and without padding, as other implementations do.
 */
#ifndef E2B_COMMON_BASE64_H
#define E2B_COMMON_BASE64_H

#include "common/util.h"

/* Bytes that base64_encode writes for `len` bytes, its NUL included. */
static inline size_t base64_encoded_size(size_t len) {
    return (len + 2) / 3 * 4 + 1;
}
void base64_encode(const void *bytes, size_t len, char *out);

/* Room that base64_decode needs for `len` characters. */
static inline size_t base64_decoded_size(size_t len) {
    return len / 4 * 3 + 3;
}
/* False on a foreign character, wrong padding or left-over bits. */
bool base64_decode(const char *text, size_t len, void *out, size_t *out_len) must_check;

#endif
