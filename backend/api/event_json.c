/* SPDX-License-Identifier: Apache-2.0
 *
 * See event_json.h. Ids are words of our own making, and the data is JSON already: nothing needs
 * to be escaped.
 */
#include "backend/api/event_json.h"

#include "common/clock.h"

bool event_json_put(struct buf *text, const char *team_id, const struct event_row *event) {
    char time[CLOCK_TEXT];
    return buf_printf(text,
                      "{\"version\":\"v2\",\"id\":\"%s\",\"type\":\"%s\",\"eventData\":%s,"
                      "\"sandboxBuildId\":\"%s\",\"sandboxExecutionId\":\"%s\","
                      "\"sandboxId\":\"%s\",\"sandboxTeamId\":\"%s\",\"sandboxTemplateId\":\"%s\","
                      "\"timestamp\":\"%s\"}",
                      event->id, event_type_name(event->type), event->data ? event->data : "null",
                      event->build_id, event->execution_id, event->sandbox_id, team_id,
                      event->template_id, clock_format(event->at_ms, time));
}
