/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets addresses and routes in the network namespace of one sandbox, from outside: a helper of the
 * zygote enters that namespace, where nobody inside holds CAP_NET_ADMIN, so what is set here stays.
 */
#ifndef E2B_AGENT_NETWORK_H
#define E2B_AGENT_NETWORK_H

#include <stddef.h>

/* Joins the namespaces of the process behind `pidfd` and carries the commands of common/routes.h
 * out. Returns 0 or an errno. */
int network_configure(int pidfd, const char *const *commands, size_t count);

#endif
