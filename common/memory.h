/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for a program that has to live. The small pieces that carry a change of state from its
 * beginning to its end come out of a reserve when there is no other, and as long as that is spent
 * nothing new is begun.
 */
#ifndef E2B_COMMON_MEMORY_H
#define E2B_COMMON_MEMORY_H

#include "common/util.h"

/* All for free(). What is needed is never NULL: the program aborts when the reserve, too, was not
 * enough. */
void *memory_need(size_t size); /* zeroed */
char *memory_need_text(const char *text);
void *memory_need_more(void *old, size_t size); /* as realloc */
/* The same with NULL at the end: for what may be large. */
void *memory_try(size_t size);
void *memory_try_more(void *old, size_t size);

/* Has a reserve, or gets one: something new can be begun. */
bool memory_is_there(void);

#endif
