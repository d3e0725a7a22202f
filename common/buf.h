/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer that is created with a maximum: growth past it fails instead of eating the
 * machine. Always NUL-terminated behind its length, so text can be used as it is.
 */
#ifndef E2B_COMMON_BUF_H
#define E2B_COMMON_BUF_H

#include "common/util.h"

struct buf {
    char *data; /* owned; NULL until the first byte */
    size_t len;
    size_t cap;
    size_t max;
};

#define BUF_INIT(maximum)                                                                          \
    { .max = (maximum) }

void buf_free(struct buf *b);
/* All return false, leaving the content as it was, when the maximum or memory is exhausted. */
bool buf_add(struct buf *b, const void *bytes, size_t len) must_check;
bool buf_puts(struct buf *b, const char *text) must_check;
bool buf_printf(struct buf *b, const char *format, ...) printf_like(2, 3) must_check;
/* Room for `len` more bytes behind the content; commit with b->len += n. False, as of those above,
 * with errno: EFBIG beyond the maximum, or ENOMEM. */
bool buf_reserve(struct buf *b, size_t len) must_check;
void buf_consume(struct buf *b, size_t len);
/* Hands the bytes on (NUL-terminated, free()d by the caller); the buffer is empty afterwards. */
char *buf_steal(struct buf *b);

#define cleanup_buf cleanup(buf_free)

#endif
