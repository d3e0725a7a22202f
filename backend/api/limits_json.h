/* SPDX-License-Identifier: Apache-2.0
 *
 * How this host keeps what is promised of a sandbox, as JSON: the limit, the mechanism behind it,
 * or why there is none. An addition of ours to what the API says.
 */
#ifndef E2B_API_LIMITS_JSON_H
#define E2B_API_LIMITS_JSON_H

#include "backend/runtime/runtime.h"

/* {"memory": {"limit": 1073741824, "unit": "bytes", "mechanism": "...", "why": null}, ...}; what
 * has no mechanism is not limited, and its limit null. `limits` NULL: the mechanisms alone, and
 * those that limit nothing too. */
json_t *limits_json(const struct runtime_facts *facts, const struct plan_limits *limits);

#endif
