/* SPDX-License-Identifier: Apache-2.0
 *
 * The Connect protocol's envelope: one flag byte, a big-endian length, then that many bytes of
 * JSON. The last message of every stream carries CONNECT_END. Compressed messages (flag 1) are not
 * spoken.
 */
#ifndef E2B_COMMON_CONNECT_H
#define E2B_COMMON_CONNECT_H

#include "common/util.h"

enum {
    CONNECT_HEAD = 5,
    CONNECT_COMPRESSED = 1,
    CONNECT_END = 2,
    CONNECT_MAX_MESSAGE = 16 << 20,
};

struct connect_head {
    uint8_t flags;
    uint32_t len;
};

static inline void connect_put_head(uint8_t out[static CONNECT_HEAD], struct connect_head head) {
    out[0] = head.flags;
    out[1] = (uint8_t)(head.len >> 24);
    out[2] = (uint8_t)(head.len >> 16);
    out[3] = (uint8_t)(head.len >> 8);
    out[4] = (uint8_t)head.len;
}

static inline struct connect_head connect_get_head(const uint8_t in[static CONNECT_HEAD]) {
    return (struct connect_head){
        .flags = in[0],
        .len = (uint32_t)in[1] << 24 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 8 | in[4],
    };
}

#endif
