/* SPDX-License-Identifier: Apache-2.0
 *
 * Templates and builds in the shapes in which the API shows them.
 */
#ifndef E2B_API_TEMPLATE_JSON_H
#define E2B_API_TEMPLATE_JSON_H

#include "backend/api/api.h"
#include "backend/core/recipe.h"

const char *template_json_status(enum build_status status);
json_t *template_json_base(const struct core *core);
json_t *template_json_listed(const struct recipe *recipe);
/* Without its builds. */
json_t *template_json_detail(const struct recipe *recipe);
json_t *template_json_build(const struct build *build);
json_t *template_json_names(const struct recipe *recipe);

#endif
