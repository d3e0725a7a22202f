/* SPDX-License-Identifier: Apache-2.0
 *
 * See webhook_check.h.
 */
#include "backend/core/webhook_check.h"

#include "common/http1.h"

#include <arpa/inet.h>
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

/* A name, or an address in brackets, which may have a zone. */
static bool is_host(const char *text, size_t len) {
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    struct in6_addr address;
    char copy[256];
    if (!len || len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (*copy != '[')
        return strspn(copy, name) == len;
    copy[strcspn(copy, "%]")] = '\0';
    return inet_pton(AF_INET6, copy + 1, &address) == 1;
}

static bool is_port(struct slice text) {
    uint64_t number;
    return !text.len || (slice_number(text, &number) && number > 0 && number <= UINT16_MAX);
}

static bool is_authority(const char *text, size_t len) {
    const char *bracket = *text == '[' ? memchr(text, ']', len) : NULL;
    const char *from = bracket ? bracket + 1 : text;
    const char *colon = memchr(from, ':', (size_t)(text + len - from));
    const char *end = colon ? colon : text + len;
    if (!is_host(text, (size_t)(end - text)) || (bracket && end != from))
        return false;
    return !colon || is_port((struct slice){colon + 1, (size_t)(text + len - colon - 1)});
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
    if (!is_authority(url + scheme, authority))
        return wrong_url("must name a host, and behind it a port of 1 to 65535 if any", err);
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
