/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets addresses and routes in the network namespace of the calling thread.
 *
 * The words of its little language, one command a string:
 *
 *   link NAME ADDRESS/BITS MTU give the interface its address and bring it up
 *   default VIA                everything else goes by that gateway
 *   allow PREFIX/BITS VIA      this goes by that gateway
 *   deny PREFIX/BITS           this goes nowhere
 *   reset                      forget all routes but those of the interfaces themselves
 *
 * The longest prefix wins. IPv4 only: no sandbox is given an IPv6 route.
 */
#ifndef E2B_COMMON_ROUTES_H
#define E2B_COMMON_ROUTES_H

#include <stddef.h>

/* Carries the commands out in order. Returns 0 or the errno of the first that failed; `reset` comes
 * first, so a failure leaves less open, never more. */
int routes_set(const char *const *commands, size_t count);

#endif
