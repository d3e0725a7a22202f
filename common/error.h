/* SPDX-License-Identifier: Apache-2.0
 *
 * How failures travel: a function that can fail takes `struct error *` last and returns false, NULL
 * or -1 after filling it. Nobody below the edge prints; the command line turns an error into text
 * and an exit status, the daemon into an HTTP status and a JSON body.
 *
 * The object owns no memory, so it can live on any stack and needs no release. `err` is never NULL.
 */
#ifndef E2B_COMMON_ERROR_H
#define E2B_COMMON_ERROR_H

#include "common/util.h"

enum error_kind {
    ERR_NONE = 0,
    ERR_USAGE,           /* the command line was wrong */
    ERR_INVALID,         /* a value is not acceptable */
    ERR_UNAUTHENTICATED, /* no or wrong credentials */
    ERR_FORBIDDEN,
    ERR_NOT_FOUND,
    ERR_CONFLICT,    /* the thing is in the wrong state */
    ERR_TOO_LARGE,   /* a request exceeds its limit */
    ERR_LIMIT,       /* too many of something: try later or raise the limit */
    ERR_UNSUPPORTED, /* this host or server cannot do it */
    ERR_UNAVAILABLE, /* the other side is not there */
    ERR_GONE,        /* the sandbox behind it is not there */
    ERR_TIMEOUT,
    ERR_NO_SPACE,
    ERR_INTERNAL, /* ours, the kernel's, or a broken peer */
};

struct error {
    enum error_kind kind;
    int http_status; /* when it came over HTTP: the status there; else 0 */
    char message[1024];
    char hint[512]; /* what to do next; may be empty */
};

#define ERROR_INIT                                                                                 \
    { .kind = ERR_NONE }

/* Each returns false so that `return error_set(...)` reads well. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...) printf_like(3, 4);
/* As error_set, with ": <strerror(saved_errno)>" appended. A full disk is ERR_NO_SPACE, the want of
 * descriptors or memory ERR_UNAVAILABLE, each with a hint; anything else ERR_INTERNAL. */
bool error_errno(struct error *err, int saved_errno, const char *format, ...) printf_like(3, 4);
/* The want of descriptors or memory, which may be over soon. */
bool error_is_passing(int saved_errno);
/* Puts "context: " before the message that is there. */
bool error_wrap(struct error *err, const char *format, ...) printf_like(2, 3);
bool error_hint(struct error *err, const char *format, ...) printf_like(2, 3);

/* One short lower-case word a kind: "not_found", "conflict" ... for JSON errors. */
const char *error_kind_name(enum error_kind kind);

#endif
