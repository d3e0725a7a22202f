/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes back: heads, whole bodies, streams, files, errors. Every answer may be read by any web
 * page (the API is protected by keys, not by origins), so the two headers that say so are constant.
 */
#include "backend/http/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
    int status;
    const char *line;
} status_lines[] = {
    {200, "HTTP/1.1 200 OK\r\n"},
    {201, "HTTP/1.1 201 Created\r\n"},
    {202, "HTTP/1.1 202 Accepted\r\n"},
    {204, "HTTP/1.1 204 No Content\r\n"},
    {206, "HTTP/1.1 206 Partial Content\r\n"},
    {304, "HTTP/1.1 304 Not Modified\r\n"},
    {400, "HTTP/1.1 400 Bad Request\r\n"},
    {401, "HTTP/1.1 401 Unauthorized\r\n"},
    {403, "HTTP/1.1 403 Forbidden\r\n"},
    {404, "HTTP/1.1 404 Not Found\r\n"},
    {405, "HTTP/1.1 405 Method Not Allowed\r\n"},
    {406, "HTTP/1.1 406 Not Acceptable\r\n"},
    {408, "HTTP/1.1 408 Request Timeout\r\n"},
    {409, "HTTP/1.1 409 Conflict\r\n"},
    {410, "HTTP/1.1 410 Gone\r\n"},
    {413, "HTTP/1.1 413 Content Too Large\r\n"},
    {414, "HTTP/1.1 414 URI Too Long\r\n"},
    {415, "HTTP/1.1 415 Unsupported Media Type\r\n"},
    {416, "HTTP/1.1 416 Range Not Satisfiable\r\n"},
    {429, "HTTP/1.1 429 Too Many Requests\r\n"},
    {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
    {500, "HTTP/1.1 500 Internal Server Error\r\n"},
    {501, "HTTP/1.1 501 Not Implemented\r\n"},
    {502, "HTTP/1.1 502 Bad Gateway\r\n"},
    {503, "HTTP/1.1 503 Service Unavailable\r\n"},
    {504, "HTTP/1.1 504 Gateway Timeout\r\n"},
    {507, "HTTP/1.1 507 Insufficient Storage\r\n"},
};

enum { USUAL_JSON = 2000, MAX_JSON = 64 << 20 };

static const char cors[] = "Access-Control-Allow-Origin: *\r\n";
static const char cors_exposed[] =
    "Access-Control-Expose-Headers: X-Next-Token, X-Total-Running, Retry-After, RateLimit-Limit, "
    "RateLimit-Remaining, RateLimit-Reset, Location, Cache-Control, X-Content-Type-Options, "
    "Content-Encoding, Connect-Content-Encoding\r\n";

/* ---- the head ---- */

static void put(struct exchange *x, const char *bytes, size_t len) {
    if (!output_add(&x->c->out, bytes, len))
        x->c->broken = true;
}

static void put_text(struct exchange *x, const char *text) {
    put(x, text, strlen(text));
}

static void put_status(struct exchange *x, int status) {
    char line[48];
    for (size_t i = 0; i < ARRAY_LEN(status_lines); i++)
        if (status_lines[i].status == status) {
            put_text(x, status_lines[i].line);
            return;
        }
    snprintf(line, sizeof(line), "HTTP/1.1 %d Status\r\n", status);
    put_text(x, line);
}

/* Decides how the body is delimited, and says so. */
static void put_framing(struct exchange *x, int status, int64_t length) {
    char line[48];
    bool bodiless = status < 200 || status == 204 || status == 304;
    x->no_body = bodiless || x->is_head;
    x->length_left = MAX(length, (int64_t)0);
    if (length >= 0 && !bodiless) {
        snprintf(line, sizeof(line), "Content-Length: %lld\r\n", (long long)length);
        put_text(x, line);
    } else if (!bodiless && x->head.minor > 0) {
        x->chunked = true;
        put_text(x, "Transfer-Encoding: chunked\r\n");
    } else if (!bodiless) {
        x->until_close = true;
        x->keep_alive = false;
    }
}

/* A client that still holds its body back, or has much of it left, cannot be kept. */
static void reconsider_keep_alive(struct exchange *x) {
    const struct connection *c = x->c;
    if (c->body.kind == BODY_OVER)
        return;
    if (x->head.expect_continue || (c->body.kind == BODY_LENGTH && c->body.left > HTTP_MAX_SKIP))
        x->keep_alive = false;
}

static void put_connection(struct exchange *x) {
    if (!x->keep_alive)
        put_text(x, "Connection: close\r\n");
    else if (x->head.minor == 0)
        put_text(x, "Connection: keep-alive\r\n");
}

static void put_head(struct exchange *x, int status, const char *content_type, int64_t length) {
    x->begun = true;
    reconsider_keep_alive(x);
    put_status(x, status);
    put_text(x, server_date(x->c->server));
    put(x, cors, sizeof(cors) - 1);
    if (http1_find(&x->head, "origin"))
        put(x, cors_exposed, sizeof(cors_exposed) - 1);
    if (content_type) {
        put(x, "Content-Type: ", 14);
        put_text(x, content_type);
        put(x, "\r\n", 2);
    }
    put_framing(x, status, length);
    put_connection(x);
    put(x, x->headers.data, x->headers.len);
    put(x, "\r\n", 2);
}

void exchange_add_header(struct exchange *x, const char *name, const char *format, ...) {
    va_list args;
    char value[4096];
    va_start(args, format);
    int n = vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(value) || strpbrk(value, "\r\n"))
        return; /* half a header, or two of them, would be worse than none */
    if (!buf_printf(&x->headers, "%s: %s\r\n", name, value))
        x->c->broken = true;
}

static void end(struct exchange *x) {
    x->ended = true;
    connection_set_deadline(x->c, x->c->server->patience.idle_ms);
    connection_flush(x->c);
}

void exchange_abort(struct exchange *x) {
    /* Where the end of the connection is the end of the answer, only a reset says that it failed.
     */
    const struct linger reset = {.l_onoff = 1};
    x->aborted = true;
    x->keep_alive = false;
    if (x->until_close)
        setsockopt(x->c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    x->c->broken |= x->until_close || !x->begun;
    end(x);
}

/* ---- whole answers ---- */

void exchange_reply(struct exchange *x, int status, const char *content_type, const void *bytes,
                    size_t len) {
    put_head(x, status, content_type, (int64_t)len);
    if (!x->no_body)
        put(x, bytes, len);
    end(x);
}

void exchange_reply_empty(struct exchange *x, int status) {
    exchange_reply(x, status, NULL, "", 0);
}

static const char type_json[] = "application/json; charset=utf-8";

void exchange_reply_json(struct exchange *x, int status, json_t *body) {
    cleanup_buf struct buf text = BUF_INIT(MAX_JSON);
    bool ok = body && buf_reserve(&text, USUAL_JSON) && json_print(&text, body);
    json_decref(body);
    if (ok)
        exchange_reply(x, status, type_json, text.data, text.len);
    else
        exchange_refuse(x, 500, "the answer could not be written as JSON");
}

/* A message may repeat what a client sent; what is not UTF-8 in it cannot go into JSON. */
static json_t *message_text(const char *message) {
    json_t *text = json_string(message);
    if (text)
        return text;
    cleanup_free char *copy = strdup(message);
    for (char *at = copy; at && *at; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    return json_string(copy ? copy : "");
}

int http_status_of(enum error_kind kind) {
    static const int status[] = {
        [ERR_NONE] = 500,      [ERR_USAGE] = 400,     [ERR_INVALID] = 400,
        [ERR_FORBIDDEN] = 403, [ERR_NOT_FOUND] = 404, [ERR_UNAUTHENTICATED] = 401,
        [ERR_CONFLICT] = 409,  [ERR_TOO_LARGE] = 413, [ERR_LIMIT] = 429,
        [ERR_GONE] = 502,      [ERR_TIMEOUT] = 504,   [ERR_UNAVAILABLE] = 503,
        [ERR_NO_SPACE] = 507,  [ERR_INTERNAL] = 500,  [ERR_UNSUPPORTED] = 501,
    };
    return kind < ARRAY_LEN(status) ? status[kind] : 500;
}

void exchange_reply_error(struct exchange *x, const struct error *err) {
    int status = err->http_status ? err->http_status : http_status_of(err->kind);
    json_t *body = json_pack("{s:i, s:o}", "code", status, "message", message_text(err->message));
    if (body && err->hint[0])
        json_object_set_new(body, "hint", message_text(err->hint));
    exchange_reply_json(x, status, body);
}

/* Of the server itself: constant texts, so no JSON library is needed to write them. */
void exchange_refuse(struct exchange *x, int status, const char *message) {
    char text[256];
    if (x->begun) {
        exchange_abort(x);
        return;
    }
    if (x->c->body.kind != BODY_OVER || !x->head.method.len)
        x->keep_alive = false;
    int n = snprintf(text, sizeof(text), "{\"code\":%d,\"message\":\"%s\"}", status, message);
    exchange_reply(x, status, type_json, text, (size_t)n);
}

/* ---- streams ---- */

void exchange_begin(struct exchange *x, int status, const char *content_type, int64_t length) {
    put_head(x, status, content_type, length);
    connection_flush(x->c);
}

void exchange_begin_relayed(struct exchange *x, const struct http1_head *answer,
                            const struct buf *headers) {
    char line[24];
    x->begun = true;
    reconsider_keep_alive(x);
    snprintf(line, sizeof(line), "HTTP/1.1 %d ", answer->status);
    put_text(x, line);
    put(x, answer->reason.at, answer->reason.len);
    put(x, "\r\n", 2);
    put(x, headers->data, headers->len);
    put_framing(x, answer->status, answer->has_length ? (int64_t)answer->length : -1);
    put_connection(x);
    put(x, "\r\n", 2);
    connection_flush(x->c);
}

bool exchange_write(struct exchange *x, const void *bytes, size_t len) {
    struct connection *c = x->c;
    if (c->broken || x->aborted || x->no_body || !len)
        return !c->broken;
    char line[24] = "";
    if (x->chunked)
        snprintf(line, sizeof(line), "%zx\r\n", len);
    else if (!x->until_close && (int64_t)len > x->length_left)
        len = (size_t)x->length_left;
    x->length_left -= (int64_t)len;
    const struct slice parts[] = {{line, strlen(line)}, {bytes, len}, {"\r\n", x->chunked ? 2 : 0}};
    if (!output_send(&c->out, c->fd, parts))
        c->broken = true;
    if (output_pending(&c->out))
        connection_flush(c);
    x->stopped = output_pending(&c->out) > HTTP_OUT_HIGH || c->broken;
    return !x->stopped;
}

void exchange_end(struct exchange *x) {
    if (x->aborted)
        return;
    if (!x->chunked && !x->until_close && !x->no_body && x->length_left > 0) {
        exchange_abort(x); /* less than was promised */
        return;
    }
    if (x->chunked && !x->no_body)
        put(x, "0\r\n\r\n", 5);
    end(x);
}

void exchange_send_file(struct exchange *x, int fd, int64_t offset, int64_t length) {
    struct output *out = &x->c->out;
    if (x->no_body || length <= 0) {
        close(fd);
    } else {
        out->file = fd;
        out->file_offset = offset;
        out->file_left = length;
    }
    end(x);
}
