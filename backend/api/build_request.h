/* SPDX-License-Identifier: Apache-2.0
 *
 * What a build is asked for with, from JSON. Unknown keys are passed over, as clients send some.
 */
#ifndef E2B_API_BUILD_REQUEST_H
#define E2B_API_BUILD_REQUEST_H

#include "backend/core/build_spec.h"
#include "backend/core/recipe.h"

/* The request borrows from the body. */
bool build_request_parse(const json_t *body, struct build_request *request, struct error *err);
bool build_spec_parse(const json_t *body, struct build_spec *spec, struct error *err);

#endif
