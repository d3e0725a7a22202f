/* SPDX-License-Identifier: Apache-2.0 */
#include "client/bytes.h"

#include "client/answer.h"
#include "client/request.h"
#include "common/io.h"

#include <errno.h>
#include <poll.h>

static bool build(struct client *client, const struct bytes_call *call, struct request *request,
                  struct error *err) {
    const struct target *target = &client->target;
    const bool remote = target->kind == TARGET_REMOTE;
    const char *base = !remote ? "" : call->base ? call->base : target->api_url;
    return request_url(request, err, "%s%s", base, call->path) &&
           request_header(request, err, "User-Agent: e2b-c/" PACKAGE_VERSION) &&
           (!call->body ||
            request_header(request, err, "Content-Type: application/octet-stream")) &&
           (!call->token || request_header(request, err, "Authorization: Bearer %s", call->token));
}

/* What has arrived goes to the sink, once it is known to be what was asked for. */
static bool hand_on(struct transfer *transfer, int sink, struct error *err) {
    if (sink < 0 || transfer->status < 200 || transfer->status >= 300 || !transfer->body.len)
        return true;
    if (!io_write_all(sink, transfer->body.data, transfer->body.len))
        return error_errno(err, errno, "cannot write what was received");
    buf_consume(&transfer->body, transfer->body.len);
    return true;
}

static bool receive(struct transfer *transfer, int sink, struct error *err) {
    while (!transfer->done) {
        struct pollfd fd = {.fd = transfer->transport->fd(transfer), .events = POLLIN};
        int ready = poll(&fd, 1, CLIENT_TIMEOUT_MS);
        if (ready == 0)
            return error_set(err, ERR_TIMEOUT, "nothing from the server within %d s",
                             CLIENT_TIMEOUT_MS / 1000);
        if (ready < 0 && errno != EINTR)
            return error_errno(err, errno, "cannot wait for the server");
        if (!transfer->transport->pump(transfer, err) || !hand_on(transfer, sink, err))
            return false;
    }
    return hand_on(transfer, sink, err);
}

bool client_bytes(struct client *client, const struct bytes_call *call, struct response *response,
                  struct error *err) {
    *response = (struct response){0};
    cleanup_request struct request request = {
        .method = call->method, .body = call->body, .body_len = call->body_len};
    if (!build(client, call, &request, err))
        return false;
    cleanup_transfer struct transfer *transfer = request_begin(client, &request, err);
    if (!transfer || !receive(transfer, call->sink, err))
        return false;
    response->status = transfer->status;
    const struct buf *body = &transfer->body;
    if (transfer->status >= 300)
        return answer_failed(transfer->status, body->data, body->len, err);
    return call->sink >= 0 || answer_json(body->data, body->len, &response->json, err);
}
