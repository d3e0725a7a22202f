/* SPDX-License-Identifier: Apache-2.0
 *
 * See webhook_check.h.
 */
#include "backend/core/webhook_check.h"

#include <string.h>
#include <strings.h>

static bool check_text(const char *field, const char *text, size_t most, struct error *err) {
    size_t len = text ? strlen(text) : 1;
    if (!len)
        return error_set(err, ERR_INVALID, "property \"%s\" must not be empty", field);
    if (len > most)
        return error_set(err, ERR_INVALID, "property \"%s\" must not be longer than %zu bytes",
                         field, most);
    return true;
}

static bool wrong_url(const char *why, struct error *err) {
    return error_set(err, ERR_INVALID, "property \"url\" %s", why);
}

bool webhook_check_url(const char *url, struct error *err) {
    size_t scheme = strncasecmp(url, "http://", 7) == 0    ? 7
                    : strncasecmp(url, "https://", 8) == 0 ? 8
                                                           : 0;
    if (!scheme)
        return wrong_url("must begin with http:// or https://", err);
    for (const char *at = url; *at; at++)
        if (*at <= ' ' || *at > '~')
            return wrong_url("must be written in ASCII without spaces (percent-encoded)", err);
    size_t authority = strcspn(url + scheme, "/?#");
    if (!authority || url[scheme] == ':')
        return wrong_url("has no host", err);
    if (memchr(url + scheme, '@', authority))
        return wrong_url("must not hold a user or a password", err);
    return true;
}

bool webhook_check(const struct webhook_request *request, struct error *err) {
    if (!check_text("name", request->name, WEBHOOK_MAX_NAME, err) ||
        !check_text("url", request->url, WEBHOOK_MAX_URL, err) ||
        !check_text("signatureSecret", request->secret, WEBHOOK_MAX_SECRET, err))
        return false;
    if (!request->types)
        return error_set(err, ERR_INVALID, "property \"events\" must name at least one type");
    return !request->url || webhook_check_url(request->url, err);
}
