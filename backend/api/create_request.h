/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a request for a sandbox. What this backend cannot do is refused by name: a field is
 * never taken and ignored.
 */
#ifndef E2B_API_CREATE_REQUEST_H
#define E2B_API_CREATE_REQUEST_H

#include "backend/api/api.h"

/* Version 1 has its own defaults. On success the caller owns request's pairs; template_ref is
 * borrowed from the body. */
bool create_request_parse(const json_t *body, int version, struct sandbox_request *request,
                          struct error *err);

#endif
