/* SPDX-License-Identifier: Apache-2.0
 *
 * Network for root: a veth pair between the host and the sandbox's namespace. All sandboxes of all
 * daemons share one prefix, one gateway address on every host end, and one nftables table; the
 * kernel's table of interface names is the registry of addresses in use. A pair dies with the
 * sandbox's namespace.
 */
#ifndef E2B_RUNTIME_VETH_H
#define E2B_RUNTIME_VETH_H

#include "common/error.h"

#include <sys/types.h>

#define VETH_GATEWAY "10.207.0.1"

enum { VETH_COMMAND = 64, VETH_MTU = 1500 };

/* Blocks for a few ms the first time (nft). Fills the command that gives the inner end its
 * address ("link eth0 10.207.x.y/16 1500"). `netns` is a descriptor of the namespace. */
bool veth_attach(int netns, char command[static VETH_COMMAND], struct error *err);
/* Removes a pair that was not finished, if there is one. */
bool veth_detach(int netns, struct error *err);
/* Carries the commands of common/routes.h out in there, by a visit of the calling thread. */
bool veth_route(int netns, const char *const *commands, size_t count, struct error *err);

#endif
