/* SPDX-License-Identifier: Apache-2.0
 *
 * The API inside a sandbox: Connect calls with JSON messages, unary or as a stream of envelopes.
 * A stream that ends without its end-of-stream message broke off; whether the sandbox is gone or
 * only the connection is then asked of its /health, as other clients do.
 */
#include "client/answer.h"
#include "client/request.h"
#include "common/base64.h"
#include "common/connect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { HEALTH_TIMEOUT_MS = 5000, MAX_USER = 254, MAX_USER_BASE64 = 344 };

struct client_stream {
    struct client *client;
    struct transfer *transfer;
    struct request health; /* ready to be sent when the stream breaks off */
    bool unary;
    bool ended;
};

/* Domains whose sandboxes answer behind one host name, told apart by headers. */
static const char *const shared_hosts[] = {"e2b.app", "e2b.dev", "e2b.pro", "e2b-staging.dev"};

static bool set_url(const struct client *client, const struct sandbox_address *sandbox,
                    const char *path, struct request *request, struct error *err) {
    const struct target *target = &client->target;
    if (target->kind == TARGET_LOCAL)
        return request_url(request, err, "/%s", path);
    if (target->sandbox_url)
        return request_url(request, err, "%s/%s", target->sandbox_url, path);
    const char *domain = sandbox->domain ? sandbox->domain : target->domain;
    for (size_t i = 0; i < ARRAY_LEN(shared_hosts); i++)
        if (strcmp(domain, shared_hosts[i]) == 0)
            return request_url(request, err, "https://sandbox.%s/%s", domain, path);
    return request_url(request, err, "https://49983-%s.%s/%s", sandbox->id, domain, path);
}

static bool set_user(struct request *request, const char *user, struct error *err) {
    char plain[MAX_USER + 2], encoded[MAX_USER_BASE64 + 1];
    int len = snprintf(plain, sizeof(plain), "%s:", user);
    if (len < 0 || (size_t)len >= sizeof(plain))
        return error_set(err, ERR_INVALID, "user name too long: '%.40s...'", user);
    base64_encode(plain, (size_t)len, encoded);
    return request_header(request, err, "Authorization: Basic %s", encoded);
}

/* `path` without its leading '/'. */
static bool address(const struct client *client, const struct sandbox_address *sandbox,
                    const char *path, struct request *request, struct error *err) {
    return set_url(client, sandbox, path, request, err) &&
           request_header(request, err, "User-Agent: e2b-c/" PACKAGE_VERSION) &&
           request_header(request, err, "E2b-Sandbox-Id: %s", sandbox->id) &&
           request_header(request, err, "E2b-Sandbox-Port: 49983") &&
           (!sandbox->access_token ||
            request_header(request, err, "X-Access-Token: %s", sandbox->access_token));
}

static bool address_rpc(const struct client *client, const struct sandbox_address *sandbox,
                        const char *method, const char *user, struct request *request,
                        struct error *err) {
    request->method = "POST";
    return address(client, sandbox, method, request, err) &&
           request_header(request, err, "Connect-Protocol-Version: 1") &&
           (!user || set_user(request, user, err));
}

static char *dump(const json_t *message, struct error *err) {
    char *text = json_dumps(message, JSON_COMPACT);
    if (!text)
        error_set(err, ERR_INVALID, "the request cannot be written as JSON");
    return text;
}

static struct transfer *begin_unary(struct client *client, const struct sandbox_address *sandbox,
                                    const char *method, const char *user, const char *text,
                                    struct error *err) {
    cleanup_request struct request request = {.body = text, .body_len = strlen(text)};
    if (!address_rpc(client, sandbox, method, user, &request, err) ||
        !request_header(&request, err, "Content-Type: application/json"))
        return NULL;
    return request_begin(client, &request, err);
}

static bool read_unary(const struct transfer *transfer, json_t **json, struct error *err) {
    if (transfer->status != 200)
        return answer_failed(transfer->status, transfer->body.data, transfer->body.len, err);
    return answer_json(transfer->body.data, transfer->body.len, json, err);
}

bool client_rpc(struct client *client, const struct sandbox_address *sandbox, const char *method,
                const char *user, const json_t *request, struct response *response,
                struct error *err) {
    *response = (struct response){0};
    cleanup_free char *text = dump(request, err);
    if (!text)
        return false;
    cleanup_transfer struct transfer *transfer =
        begin_unary(client, sandbox, method, user, text, err);
    if (!transfer || !request_wait(transfer, CLIENT_TIMEOUT_MS, err))
        return false;
    response->status = transfer->status;
    return read_unary(transfer, &response->json, err);
}

/* Takes the transfer, also on failure. */
static struct client_stream *new_stream(struct client *client,
                                        const struct sandbox_address *sandbox,
                                        struct transfer *transfer, struct error *err) {
    struct client_stream *stream = calloc(1, sizeof(*stream));
    if (!stream) {
        transfer_free(&transfer);
        error_errno(err, ENOMEM, "cannot open a stream");
        return NULL;
    }
    stream->client = client;
    stream->transfer = transfer;
    stream->health.method = "GET";
    if (address(client, sandbox, "health", &stream->health, err))
        return stream;
    client_stream_close(stream);
    return NULL;
}

struct client_stream *client_rpc_begin(struct client *client, const struct sandbox_address *sandbox,
                                       const char *method, const char *user, const char *request,
                                       struct error *err) {
    struct transfer *transfer = begin_unary(client, sandbox, method, user, request, err);
    struct client_stream *stream = transfer ? new_stream(client, sandbox, transfer, err) : NULL;
    if (stream)
        stream->unary = true;
    return stream;
}

static bool add_stream_headers(struct request *request, int64_t timeout_ms, struct error *err) {
    return request_header(request, err, "Content-Type: application/connect+json") &&
           request_header(request, err, "Keepalive-Ping-Interval: 50") &&
           (!timeout_ms ||
            request_header(request, err, "Connect-Timeout-Ms: %lld", (long long)timeout_ms));
}

struct client_stream *client_stream_open(struct client *client,
                                         const struct sandbox_address *sandbox, const char *method,
                                         const char *user, const json_t *request,
                                         int64_t timeout_ms, struct error *err) {
    cleanup_free char *text = dump(request, err);
    cleanup_buf struct buf envelope = BUF_INIT(CONNECT_MAX_MESSAGE + CONNECT_HEAD);
    if (!text)
        return NULL;
    size_t len = strlen(text);
    uint8_t head[CONNECT_HEAD];
    connect_put_head(head, (struct connect_head){.len = (uint32_t)len});
    if (!buf_add(&envelope, head, sizeof(head)) || !buf_add(&envelope, text, len)) {
        error_set(err, ERR_TOO_LARGE, "the request is larger than %d MiB",
                  CONNECT_MAX_MESSAGE >> 20);
        return NULL;
    }
    cleanup_request struct request wire = {.body = envelope.data, .body_len = envelope.len};
    if (!address_rpc(client, sandbox, method, user, &wire, err) ||
        !add_stream_headers(&wire, timeout_ms, err))
        return NULL;
    struct transfer *transfer = request_begin(client, &wire, err);
    return transfer ? new_stream(client, sandbox, transfer, err) : NULL;
}

int client_stream_fd(const struct client_stream *stream) {
    return stream->transfer->transport->fd(stream->transfer);
}

/* The error that says why a stream ended too early; `err` holds what the connection said. */
static enum stream_result broke_off(struct client_stream *stream, struct error *err) {
    struct error probe;
    if (!stream->transfer->status)
        return STREAM_FAILED;
    cleanup_transfer struct transfer *answer =
        request_run(stream->client, &stream->health, HEALTH_TIMEOUT_MS, &probe);
    if (answer && answer->status < 300)
        return STREAM_FAILED;
    error_set(err, ERR_GONE, "the sandbox was killed or reached its end of life meanwhile");
    return STREAM_FAILED;
}

static enum stream_result finish(struct client_stream *stream, const char *bytes, size_t len,
                                 struct error *err) {
    stream->ended = true;
    cleanup_json json_t *end = json_parse(bytes, len, err);
    if (!end)
        return STREAM_FAILED;
    const json_t *error = json_object_get(end, "error");
    if (!error)
        return STREAM_END;
    answer_connect_error(error, err);
    return STREAM_FAILED;
}

/* One envelope from what has arrived. */
static enum stream_result take_envelope(struct client_stream *stream, json_t **message,
                                        struct error *err) {
    struct buf *body = &stream->transfer->body;
    if (body->len < CONNECT_HEAD)
        return STREAM_WAIT;
    struct connect_head head = connect_get_head((const uint8_t *)body->data);
    if (head.flags & ~CONNECT_END || head.len > CONNECT_MAX_MESSAGE) {
        error_set(err, ERR_INTERNAL, "the sandbox sent a message that cannot be read");
        return STREAM_FAILED;
    }
    if (body->len - CONNECT_HEAD < head.len)
        return STREAM_WAIT;
    const char *bytes = body->data + CONNECT_HEAD;
    if (head.flags & CONNECT_END)
        return finish(stream, bytes, head.len, err);
    *message = json_parse(bytes, head.len, err);
    if (!*message)
        return STREAM_FAILED;
    buf_consume(body, CONNECT_HEAD + head.len);
    return STREAM_MESSAGE;
}

static enum stream_result take_unary(struct client_stream *stream, json_t **message,
                                     struct error *err) {
    if (!stream->transfer->done)
        return STREAM_WAIT;
    stream->ended = true;
    if (!read_unary(stream->transfer, message, err))
        return STREAM_FAILED;
    return *message ? STREAM_MESSAGE : STREAM_END;
}

static enum stream_result take(struct client_stream *stream, json_t **message, struct error *err) {
    const struct transfer *transfer = stream->transfer;
    if (stream->ended)
        return STREAM_END;
    if (stream->unary)
        return take_unary(stream, message, err);
    if (transfer->status == 0 || (transfer->status != 200 && !transfer->done))
        return STREAM_WAIT;
    if (transfer->status != 200) {
        answer_failed(transfer->status, transfer->body.data, transfer->body.len, err);
        return STREAM_FAILED;
    }
    return take_envelope(stream, message, err);
}

enum stream_result client_stream_next(struct client_stream *stream, json_t **message,
                                      struct error *err) {
    struct transfer *transfer = stream->transfer;
    *message = NULL;
    for (;;) {
        enum stream_result result = take(stream, message, err);
        if (result != STREAM_WAIT)
            return result;
        if (transfer->done) {
            error_set(err, ERR_UNAVAILABLE, "the stream of the sandbox broke off");
            return broke_off(stream, err);
        }
        size_t before = transfer->body.len;
        if (!transfer->transport->pump(transfer, err))
            return broke_off(stream, err);
        if (transfer->body.len == before && !transfer->done)
            return STREAM_WAIT;
    }
}

void client_stream_close(struct client_stream *stream) {
    if (!stream)
        return;
    transfer_free(&stream->transfer);
    request_free(&stream->health);
    free(stream);
}
