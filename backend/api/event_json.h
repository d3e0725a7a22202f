/* SPDX-License-Identifier: Apache-2.0
 *
 * An event as the API shows it and webhooks get it: the same text in both, so that a signature made
 * of one can be understood from the other. Pure text, for any thread.
 */
#ifndef E2B_API_EVENT_JSON_H
#define E2B_API_EVENT_JSON_H

#include "backend/store/events.h"
#include "common/buf.h"

bool event_json_put(struct buf *text, const char *team_id,
                    const struct event_row *event) must_check;

#endif
