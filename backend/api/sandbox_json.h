/* SPDX-License-Identifier: Apache-2.0
 *
 * A sandbox in the three shapes in which the API shows it.
 */
#ifndef E2B_API_SANDBOX_JSON_H
#define E2B_API_SANDBOX_JSON_H

#include "backend/api/api.h"

json_t *sandbox_json_created(const char *domain, const struct sandbox *sandbox);
json_t *sandbox_json_listed(const struct sandbox *sandbox);
json_t *sandbox_json_detail(const char *domain, const struct sandbox *sandbox);

/* The running sandbox of the path's first parameter, or NULL and the answer was given. One that is
 * being killed is gone already, but for those who want to know (`conflict`). */
struct sandbox *api_sandbox(struct call *call, bool conflict);
/* The same of one that runs or is paused. */
struct sandbox *api_known_sandbox(struct call *call);

#endif
