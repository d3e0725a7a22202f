/* SPDX-License-Identifier: Apache-2.0
 *
 * A short cut past the JSON parser for the one message that comes by the million: a piece of a
 * process's output, {"event":{"data":{"stdout":"<base64>"}}}. The parser reads 60 MB a second,
 * which is less than programs write. Internal to client/.
 */
#ifndef E2B_CLIENT_EVENT_H
#define E2B_CLIENT_EVENT_H

#include <jansson.h>

/* The message, or NULL if it is not written in exactly that way and needs the parser. */
json_t *event_read_data(const char *bytes, size_t len);

#endif
