/* SPDX-License-Identifier: Apache-2.0
 *
 * Scope cleanup and the handful of macros that every file uses.
 *
 * A local marked cleanup_free / cleanup_close is released when its scope ends; steal_ptr / steal_fd
 * hand the value on and leave NULL / -1 behind, so ownership always has one visible holder.
 */
#ifndef E2B_COMMON_UTIL_H
#define E2B_COMMON_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_LEN(array)                (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b)                       ((a) < (b) ? (a) : (b))
#define MAX(a, b)                       ((a) > (b) ? (a) : (b))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#define must_check             __attribute__((warn_unused_result))
#define cleanup(function)      __attribute__((cleanup(function)))

static inline void util_free(void *slot) {
    free(*(void **)slot);
}

static inline void util_close(const int *fd) {
    if (*fd >= 0)
        close(*fd);
}

#define cleanup_free  cleanup(util_free)
#define cleanup_close cleanup(util_close)

static inline void *util_steal_ptr(void *slot) {
    void *value = *(void **)slot;
    *(void **)slot = NULL;
    return value;
}

#define steal_ptr(slot) ((__typeof__(*(slot)))util_steal_ptr(slot))

static inline int steal_fd(int *fd) {
    int value = *fd;
    *fd = -1;
    return value;
}

static inline void close_fd(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

#endif
