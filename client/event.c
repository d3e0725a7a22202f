/* SPDX-License-Identifier: Apache-2.0 */
#include "client/event.h"

#include "common/util.h"

#include <string.h>

static const char head[] = "{\"event\":{\"data\":{\"";
static const char tail[] = "\"}}}";
static const char *const kinds[] = {"stdout", "stderr", "pty"};

/* If the message goes on with `text`, moves behind it. */
static bool skip(const char **at, const char *end, const char *text) {
    size_t len = strlen(text);
    if ((size_t)(end - *at) < len || memcmp(*at, text, len) != 0)
        return false;
    *at += len;
    return true;
}

static const char *skip_kind(const char **at, const char *end) {
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (skip(at, end, kinds[i]))
            return skip(at, end, "\":\"") ? kinds[i] : NULL;
    return NULL;
}

/* Whoever decodes the base64 checks its characters; here a string only must end where it seems to.
 */
json_t *event_read_data(const char *bytes, size_t len) {
    const char *at = bytes, *end = bytes + len;
    const char *kind = skip(&at, end, head) ? skip_kind(&at, end) : NULL;
    if (!kind || (size_t)(end - at) < strlen(tail))
        return NULL;
    const char *stop = end - strlen(tail);
    size_t text = (size_t)(stop - at);
    if (memcmp(stop, tail, strlen(tail)) != 0 || memchr(at, '"', text) || memchr(at, '\\', text))
        return NULL;
    return json_pack("{s:{s:{s:o}}}", "event", "data", kind, json_stringn_nocheck(at, text));
}
