/* SPDX-License-Identifier: Apache-2.0
 *
 * The network part of a request, of a creation or of an update, as rules.
 */
#ifndef E2B_API_NETWORK_REQUEST_H
#define E2B_API_NETWORK_REQUEST_H

#include "backend/core/network_rules.h"

/* `network` (may be NULL) has the rules, `outer` the field allow_internet_access; in an update both
 * are the body itself. Frees the rules on failure. */
bool network_request_parse(const json_t *outer, const json_t *network, struct network_rules *rules,
                           struct error *err);
/* As SandboxDetail shows them. */
json_t *network_request_print(const struct network_rules *rules);

#endif
