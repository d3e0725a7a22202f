/* SPDX-License-Identifier: Apache-2.0
 *
 * Is what was asked for a webhook acceptable? The texts say which field is wrong.
 */
#ifndef E2B_CORE_WEBHOOK_CHECK_H
#define E2B_CORE_WEBHOOK_CHECK_H

#include "backend/core/webhook.h"

/* Only what is given is looked at. */
bool webhook_check(const struct webhook_request *request, struct error *err);
/* An http or https URL with a host, and nothing in it that a log must not see. */
bool webhook_check_url(const char *url, struct error *err);

#endif
