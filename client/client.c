/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of the control plane: a request in JSON, an answer in JSON, and the patience that a rate
 * limit asks for.
 */
#include "client/client.h"

#include "client/answer.h"
#include "client/request.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { RATE_LIMIT_RETRIES = 3 };

struct client *client_open(const struct target *target, bool may_start, struct error *err) {
    struct client *client = calloc(1, sizeof(*client));
    if (!client) {
        error_errno(err, ENOMEM, "cannot open a client");
        return NULL;
    }
    client->target = *target;
    client->may_start = may_start;
    if (target->kind == TARGET_REMOTE)
        return client;
    client->transport = &transport_local;
    client->self = transport_local.open(&client->target, may_start, err);
    if (client->self)
        return client;
    free(client);
    return NULL;
}

void client_close(struct client *client) {
    if (!client)
        return;
    if (client->self)
        client->transport->close(client->self);
    free(client);
}

void response_free(struct response *response) {
    json_decref(response->json);
    free(response->next_token);
    free(response->total_running);
    *response = (struct response){0};
}

static bool build(struct client *client, const char *path, struct request *request,
                  struct error *err) {
    const struct target *target = &client->target;
    bool remote = target->kind == TARGET_REMOTE;
    return request_url(request, err, "%s%s", remote ? target->api_url : "", path) &&
           request_header(request, err, "User-Agent: e2b-c/" PACKAGE_VERSION) &&
           request_header(request, err, "Accept: application/json") &&
           (!request->body || request_header(request, err, "Content-Type: application/json")) &&
           (!remote || !target->api_key ||
            request_header(request, err, "X-API-KEY: %s", target->api_key));
}

/* The seconds the server wants us to wait; -1 if it does not say so in a way we follow. */
static int retry_after(const struct transfer *transfer) {
    char *end;
    if (transfer->status != 429 || !transfer->retry_after[0])
        return -1;
    long seconds = strtol(transfer->retry_after, &end, 10);
    return *end || seconds < 0 || seconds * 1000 > CLIENT_TIMEOUT_MS ? -1 : (int)seconds;
}

static struct transfer *run_patiently(struct client *client, const struct request *request,
                                      struct error *err) {
    for (int retries = 0;; retries++) {
        struct transfer *transfer = request_run(client, request, CLIENT_TIMEOUT_MS, err);
        int seconds = transfer ? retry_after(transfer) : -1;
        if (seconds < 0 || retries == RATE_LIMIT_RETRIES)
            return transfer;
        transfer_free(&transfer);
        poll(NULL, 0, seconds * 1000);
    }
}

static bool keep(const char *value, char **copy) {
    *copy = value[0] ? strdup(value) : NULL;
    return *copy || !value[0];
}

static bool fill_response(const struct transfer *transfer, struct response *response,
                          struct error *err) {
    *response = (struct response){.status = transfer->status};
    if (transfer->status >= 300)
        return answer_failed(transfer->status, transfer->body.data, transfer->body.len, err);
    if (!answer_json(transfer->body.data, transfer->body.len, &response->json, err))
        return false;
    if (keep(transfer->next_token, &response->next_token) &&
        keep(transfer->total_running, &response->total_running))
        return true;
    response_free(response);
    return error_errno(err, ENOMEM, "cannot read an answer");
}

bool client_call(struct client *client, const char *method, const char *path, const json_t *body,
                 struct response *response, struct error *err) {
    *response = (struct response){0};
    cleanup_free char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    if (body && !text)
        return error_set(err, ERR_INVALID, "the request cannot be written as JSON");
    cleanup_request struct request request = {
        .method = method, .body = text, .body_len = text ? strlen(text) : 0};
    if (!build(client, path, &request, err))
        return false;
    cleanup_transfer struct transfer *transfer = run_patiently(client, &request, err);
    return transfer && fill_response(transfer, response, err);
}

char *client_encode(const char *text) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    char *encoded = malloc(strlen(text) * 3 + 1);
    if (!encoded)
        return NULL;
    char *out = encoded;
    for (; *text; text++) {
        if (strchr(plain, *text))
            *out++ = *text;
        else
            out += sprintf(out, "%%%02X", (unsigned char)*text);
    }
    *out = '\0';
    return encoded;
}
