/* SPDX-License-Identifier: Apache-2.0 */
#include "common/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
    [ERR_NONE] = "none",
    [ERR_USAGE] = "usage",
    [ERR_INVALID] = "invalid",
    [ERR_UNAUTHENTICATED] = "unauthenticated",
    [ERR_FORBIDDEN] = "forbidden",
    [ERR_NOT_FOUND] = "not_found",
    [ERR_CONFLICT] = "conflict",
    [ERR_TOO_LARGE] = "too_large",
    [ERR_LIMIT] = "limit",
    [ERR_UNSUPPORTED] = "unsupported",
    [ERR_UNAVAILABLE] = "unavailable",
    [ERR_GONE] = "gone",
    [ERR_TIMEOUT] = "timeout",
    [ERR_NO_SPACE] = "no_space",
    [ERR_INTERNAL] = "internal",
};

const char *error_kind_name(enum error_kind kind) {
    return (size_t)kind < ARRAY_LEN(kind_names) ? kind_names[kind] : "internal";
}

static void printf_like(3, 0)
    start(struct error *err, enum error_kind kind, const char *format, va_list args) {
    err->kind = kind;
    err->http_status = 0;
    err->hint[0] = '\0';
    vsnprintf(err->message, sizeof(err->message), format, args);
}

bool error_set(struct error *err, enum error_kind kind, const char *format, ...) {
    va_list args;
    va_start(args, format);
    start(err, kind, format, args);
    va_end(args);
    return false;
}

/* What runs out, and comes again. */
static const struct {
    int number;
    enum error_kind kind;
    const char *hint;
} shortages[] = {
    {ENOSPC, ERR_NO_SPACE, "free some space on that disk"},
    {EDQUOT, ERR_NO_SPACE, "free some space on that disk"},
    {EMFILE, ERR_UNAVAILABLE, "try again when less is going on, or raise the limit: ulimit -n"},
    {ENFILE, ERR_UNAVAILABLE, "try again when less is going on on this machine"},
    {ENOMEM, ERR_UNAVAILABLE, "try again when there is more free memory"},
    {ENOBUFS, ERR_UNAVAILABLE, "try again when there is more free memory"},
};

/* ARRAY_LEN(shortages): it is none. */
static size_t find_shortage(int number) {
    size_t at = 0;
    while (at < ARRAY_LEN(shortages) && shortages[at].number != number)
        at++;
    return at;
}

bool error_is_passing(int saved_errno) {
    size_t at = find_shortage(saved_errno);
    return at < ARRAY_LEN(shortages) && shortages[at].kind == ERR_UNAVAILABLE;
}

bool error_errno(struct error *err, int saved_errno, const char *format, ...) {
    size_t at = find_shortage(saved_errno);
    const bool is_short = at < ARRAY_LEN(shortages);
    va_list args;
    va_start(args, format);
    start(err, is_short ? shortages[at].kind : ERR_INTERNAL, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(saved_errno));
    return is_short && error_hint(err, "%s", shortages[at].hint);
}

bool error_wrap(struct error *err, const char *format, ...) {
    char inner[sizeof(err->message)];
    memcpy(inner, err->message, sizeof(inner));
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof(err->message) - used, ": %s", inner);
    return false;
}

bool error_hint(struct error *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof(err->hint), format, args);
    va_end(args);
    return false;
}
