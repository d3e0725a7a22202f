/* SPDX-License-Identifier: Apache-2.0 */
#include "common/memory.h"

#include <stdatomic.h>
#include <string.h>

enum { RESERVE = 1 << 20 };

/* The threads of the pool allocate too. */
static void *_Atomic reserve;

bool memory_is_there(void) {
    if (!reserve)
        free(atomic_exchange(&reserve, malloc(RESERVE)));
    return reserve != NULL;
}

void *memory_try_more(void *old, size_t size) {
    void *memory = realloc(old, size);
    void *spent = memory ? NULL : atomic_exchange(&reserve, NULL);
    if (!spent)
        return memory;
    free(spent);
    return realloc(old, size);
}

void *memory_try(size_t size) {
    return memory_try_more(NULL, size);
}

void *memory_need_more(void *old, size_t size) {
    void *memory = memory_try_more(old, MAX(size, (size_t)1));
    if (!memory)
        abort();
    memory_is_there();
    return memory;
}

void *memory_need(size_t size) {
    return memset(memory_need_more(NULL, size), 0, size);
}

char *memory_need_text(const char *text) {
    const size_t size = strlen(text) + 1;
    return memcpy(memory_need_more(NULL, size), text, size);
}
