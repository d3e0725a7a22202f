/* SPDX-License-Identifier: Apache-2.0
 *
 * The way out of a sandbox's network namespace: as root a veth pair and one masquerade rule for all
 * sandboxes, as an ordinary user a slirp4netns process each. Started when a sandbox runs already;
 * nothing in it runs before the routes are set, so a rule has no gap.
 *
 * What may be reached is a matter of routes (plan_network), set from outside by the zygote, where
 * nobody inside holds CAP_NET_ADMIN. The host's loopback and its own services are never routed to.
 */
#ifndef E2B_RUNTIME_NETWORK_H
#define E2B_RUNTIME_NETWORK_H

#include "backend/runtime/plan.h"

#include <uv.h>

struct network;
struct zygote_client;

/* Looks at what the host has; starts nothing. Never fails: without a way out there is none. */
struct network *network_start(uv_loop_t *loop, struct zygote_client *zygote);
void network_stop(struct network *n); /* what runs goes on */

/* "veth", "slirp4netns", or NULL and then `why` says what is missing. */
const char *network_mechanism(const struct network *n, const char **why);
/* For /etc/resolv.conf of every sandbox; "" where there is no way out. */
const char *network_nameserver(const struct network *n);

/* PID 1 of a sandbox; both stay the caller's. */
struct network_guest {
    pid_t pid;
    int pidfd;
};

typedef void (*network_done)(void *ctx, const struct error *err);

/* Sets the routes of a sandbox, and connects it first where the policy lets anything out and it is
 * not. Copies what it needs; `done` comes from the loop, also for a guest that died meanwhile.
 * Returns a descriptor for PID 1 to keep until it dies, which tells slirp4netns when to leave (the
 * caller's; -1: none). `is_new`: it cannot be connected yet. */
int network_set(struct network *n, const struct network_guest *guest,
                const struct plan_network *policy, bool is_new, network_done done, void *ctx);

#endif
