/* SPDX-License-Identifier: Apache-2.0
 *
 * What a sandbox may reach, and who may reach it: the `network` of a create request, checked. Rules
 * go by address only; what would need a proxy (domains, header rules, SOCKS) is refused, never
 * swallowed.
 */
#ifndef E2B_CORE_NETWORK_RULES_H
#define E2B_CORE_NETWORK_RULES_H

#include "backend/runtime/plan.h"
#include "backend/store/pairs.h"

enum { NETWORK_MAX_RULES = 5000, NETWORK_MAX_HOST = 255 };

struct network_rules {
    bool internet;        /* else nothing but what is allowed by address */
    char **allow, **deny; /* normalised "a.b.c.d/n", owned */
    size_t allow_count, deny_count;
    bool is_private;                      /* its ports want the traffic token */
    char mask_host[NETWORK_MAX_HOST + 1]; /* Host header that its programs see; "": the real one */
};

void network_rules_free(struct network_rules *rules);
/* ERR_INVALID in the hosted service's words; ERR_LIMIT for more than NETWORK_MAX_RULES. */
bool network_rules_allow(struct network_rules *rules, const char *text, struct error *err);
bool network_rules_deny(struct network_rules *rules, const char *text, struct error *err);
/* Domains may only be allowed where all else is denied: what is said of one depends on that. */
bool network_rules_deny_all(const struct network_rules *rules);

/* As the plan wants them; borrowed from `rules`. */
struct plan_network network_rules_plan(const struct network_rules *rules);
/* As the store keeps them, and back. */
bool network_rules_to_pairs(const struct network_rules *rules, struct pairs *pairs);
bool network_rules_from_pairs(struct network_rules *rules, const struct pairs *pairs);

#endif
