/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables from statuses and Connect codes to kinds of error, and the hints that go with them. The
 * server's own words are kept; what is no JSON is shown in a line.
 */
#include "client/answer.h"

#include <ctype.h>
#include <string.h>

enum { SHOWN_BODY = 200 };

static const struct {
    int status;
    enum error_kind kind;
    const char *reason;
    const char *hint;
} statuses[] = {
    {400, ERR_INVALID, "bad request", ""},
    {401, ERR_UNAUTHENTICATED, "the server wants other credentials",
     "check E2B_API_KEY, or the login in ~/.e2b/config.json"},
    {403, ERR_FORBIDDEN, "the server forbids it", ""},
    {404, ERR_NOT_FOUND, "not found", ""},
    {408, ERR_TIMEOUT, "the server gave up waiting", ""},
    {409, ERR_CONFLICT, "it is in another state", ""},
    {410, ERR_GONE, "it is gone", ""},
    {413, ERR_TOO_LARGE, "too large", ""},
    {429, ERR_LIMIT, "the limit is reached", ""},
    {499, ERR_TIMEOUT, "canceled", ""},
    {501, ERR_UNSUPPORTED, "the server cannot do it", ""},
    {502, ERR_UNAVAILABLE, "bad gateway", ""},
    {503, ERR_UNAVAILABLE, "the service is not available", "try again in a moment"},
    {504, ERR_TIMEOUT, "the server did not get an answer in time", ""},
    {507, ERR_NO_SPACE, "not enough disk space", ""},
};

static const struct {
    const char *code;
    int status;
} connect_codes[] = {
    {"canceled", 499},
    {"unknown", 500},
    {"invalid_argument", 400},
    {"deadline_exceeded", 504},
    {"not_found", 404},
    {"already_exists", 409},
    {"permission_denied", 403},
    {"resource_exhausted", 429},
    {"failed_precondition", 400},
    {"aborted", 409},
    {"out_of_range", 400},
    {"unimplemented", 501},
    {"internal", 500},
    {"unavailable", 503},
    {"data_loss", 500},
    {"unauthenticated", 401},
};

static bool set_by_status(int status, const char *message, struct error *err) {
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (statuses[i].status == status) {
            error_set(err, statuses[i].kind, "%s", *message ? message : statuses[i].reason);
            error_hint(err, "%s", statuses[i].hint);
            err->http_status = status;
            return false;
        }
    error_set(err, status < 500 ? ERR_INVALID : ERR_INTERNAL, "%s",
              *message ? message : "the server failed");
    err->http_status = status;
    return false;
}

/* What a proxy or another service answered: its first words on one line. */
static bool foreign(int status, const char *body, size_t len, struct error *err) {
    char text[SHOWN_BODY + 1];
    size_t used = 0;
    for (size_t i = 0; i < len && used < SHOWN_BODY; i++) {
        bool space = isspace((unsigned char)body[i]) || iscntrl((unsigned char)body[i]);
        if (!space || (used && text[used - 1] != ' '))
            text[used++] = space ? ' ' : body[i];
    }
    text[used] = '\0';
    set_by_status(status, "", err);
    if (!used)
        return error_wrap(err, "HTTP %d", status);
    return error_wrap(err, "HTTP %d (%s%s)", status, text, used == SHOWN_BODY ? "..." : "");
}

/* The server's own word on what to do next, which is the local backend's alone. */
static void take_hint(const json_t *json, struct error *err) {
    struct error ignored;
    const char *hint = NULL;
    if (json_get_string(json, "hint", &hint, &ignored) && hint)
        error_hint(err, "%s", hint);
}

/* Where the code is none of Connect's (a volume's files have "404"), `status` counts. */
static bool set_by_code(const json_t *error, int status, struct error *err) {
    const char *code = "", *message = "";
    struct error ignored;
    json_get_string(error, "code", &code, &ignored);
    json_get_string(error, "message", &message, &ignored);
    for (size_t i = 0; i < ARRAY_LEN(connect_codes); i++)
        if (strcmp(connect_codes[i].code, code) == 0)
            status = connect_codes[i].status;
    set_by_status(status, message, err);
    if (err->kind == ERR_UNAUTHENTICATED)
        err->hint[0] = '\0'; /* no key is asked for inside a sandbox: it is the user's name */
    take_hint(error, err);
    return false;
}

bool answer_connect_error(const json_t *error, struct error *err) {
    return set_by_code(error, 500, err);
}

bool answer_failed(int status, const char *body, size_t len, struct error *err) {
    struct error ignored;
    cleanup_json json_t *json = len ? json_parse(body, len, &ignored) : NULL;
    const char *message = "";
    if (!json_is_object(json))
        return foreign(status, body, len, err);
    if (json_is_string(json_object_get(json, "code")))
        return set_by_code(json, status, err);
    json_get_string(json, "message", &message, &ignored);
    set_by_status(status, message, err);
    take_hint(json, err);
    /* The router's way of saying that nothing answers behind a sandbox's id. */
    if (status == 502 && json_object_get(json, "sandboxId")) {
        err->kind = ERR_GONE;
        error_hint(err, "`e2b sandbox list` shows which sandboxes run");
    }
    return false;
}

bool answer_json(const char *body, size_t len, json_t **json, struct error *err) {
    *json = NULL;
    if (!len)
        return true;
    *json = json_parse(body, len, err);
    if (*json)
        return true;
    err->kind = ERR_INTERNAL;
    error_wrap(err, "the server's answer is no JSON");
    return error_hint(err, "is the address that of an E2B server?");
}
