/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_free(struct buf *b) {
    free(b->data);
    b->data = NULL;
    b->len = b->cap = 0;
}

bool buf_reserve(struct buf *b, size_t len) {
    size_t most = MIN(b->max, SIZE_MAX / 2 - 1); /* doubling and the NUL must not wrap */
    if (len > most || b->len > most - len) {
        errno = EFBIG;
        return false;
    }
    size_t need = b->len + len + 1;
    if (need <= b->cap)
        return true;
    size_t cap = MAX(b->cap, (size_t)64);
    while (cap < need)
        cap *= 2;
    char *data = realloc(b->data, cap);
    if (!data)
        return false;
    b->data = data;
    b->cap = cap;
    b->data[b->len] = '\0';
    return true;
}

bool buf_add(struct buf *b, const void *bytes, size_t len) {
    if (!buf_reserve(b, len))
        return false;
    if (len)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
    return true;
}

bool buf_puts(struct buf *b, const char *text) {
    return buf_add(b, text, strlen(text));
}

/* Into the room that is there, which mostly suffices; else once more into enough. */
bool buf_printf(struct buf *b, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t room = b->cap - b->len;
    int len = vsnprintf(room ? b->data + b->len : NULL, room, format, args);
    va_end(args);
    bool ok = len >= 0 && buf_reserve(b, (size_t)len);
    if (ok && (size_t)len >= room)
        vsnprintf(b->data + b->len, (size_t)len + 1, format, again);
    if (ok)
        b->len += (size_t)len;
    else if (room)
        b->data[b->len] = '\0';
    va_end(again);
    return ok;
}

void buf_consume(struct buf *b, size_t len) {
    if (!len)
        return;
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
    b->data[b->len] = '\0';
}

char *buf_steal(struct buf *b) {
    if (!b->data && !buf_reserve(b, 0))
        return NULL;
    b->len = b->cap = 0;
    return steal_ptr(&b->data);
}
