/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets addresses and routes in the network namespace of one sandbox, from outside: a helper of the
 * zygote enters that namespace, where nobody inside holds CAP_NET_ADMIN, so what is set here stays.
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
#ifndef E2B_AGENT_NETWORK_H
#define E2B_AGENT_NETWORK_H

#include <stddef.h>

/* Joins the namespaces of the process behind `pidfd` and carries the commands out in order. Returns
 * 0 or the errno of the first that failed; `reset` comes first, so a failure leaves less open,
 * never more. */
int network_configure(int pidfd, const char *const *commands, size_t count);

#endif
