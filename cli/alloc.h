/* SPDX-License-Identifier: Apache-2.0
 *
 * Allocation for the command line only: a short-lived process that cannot get a few kilobytes has
 * nothing better to do than to stop.
 */
#ifndef E2B_CLI_ALLOC_H
#define E2B_CLI_ALLOC_H

#include "common/util.h"

static inline void *alloc_array(void *old, size_t count, size_t size) {
    void *array = reallocarray(old, count, size);
    if (!array)
        abort();
    return array;
}

#endif
