/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens the transport at the first request, and waits: the only place of client/ that does.
 */
#include "client/request.h"

#include "common/clock.h"
#include "common/paths.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

void request_free(struct request *request) {
    free(request->url);
    for (char **header = request->headers; *header; header++)
        free(*header);
}

static bool out_of_memory(struct error *err) {
    return error_errno(err, ENOMEM, "cannot send a request");
}

bool request_header(struct request *request, struct error *err, const char *format, ...) {
    size_t count = 0;
    while (request->headers[count])
        count++;
    if (count == REQUEST_MAX_HEADERS)
        return error_set(err, ERR_INTERNAL, "too many headers in a request");
    va_list args;
    va_start(args, format);
    int len = vasprintf(&request->headers[count], format, args);
    va_end(args);
    if (len >= 0)
        return true;
    request->headers[count] = NULL;
    return out_of_memory(err);
}

bool request_url(struct request *request, struct error *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vasprintf(&request->url, format, args);
    va_end(args);
    if (len >= 0)
        return true;
    request->url = NULL;
    return out_of_memory(err);
}

/* The module stays loaded until the program ends: libcurl does not like to be unloaded. */
static const struct transport *load_remote(struct error *err) {
    char path[PATHS_MAX];
    if (!paths_program("e2b-remote.so", path, err))
        return NULL;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct transport *transport = module ? dlsym(module, TRANSPORT_REMOTE_SYMBOL) : NULL;
    if (transport)
        return transport;
    error_set(err, ERR_UNSUPPORTED, "cannot load the part that speaks to remote servers: %s",
              dlerror());
    error_hint(err, "is libcurl installed? Sandboxes on this machine need no such part");
    return NULL;
}

static bool prepare(struct client *client, struct error *err) {
    if (client->self)
        return true;
    client->transport = client->target.kind == TARGET_LOCAL ? &transport_local : load_remote(err);
    if (client->transport)
        client->self = client->transport->open(&client->target, client->may_start, err);
    return client->self;
}

struct transfer *request_begin(struct client *client, const struct request *request,
                               struct error *err) {
    if (!prepare(client, err))
        return NULL;
    const struct transport_request wire = {
        .method = request->method,
        .url = request->url,
        .headers = (const char *const *)request->headers,
        .body = request->body,
        .body_len = request->body_len,
        .upload = request->upload,
    };
    return client->transport->begin(client->self, &wire, err);
}

bool request_wait_unless(struct transfer *transfer, int64_t timeout_ms, int stop_fd,
                         struct error *err) {
    int64_t deadline = clock_mono_ms() + timeout_ms;
    while (!transfer->done) {
        struct pollfd fds[] = {{.fd = transfer->transport->fd(transfer), .events = POLLIN},
                               {.fd = stop_fd, .events = POLLIN}};
        int64_t left = deadline - clock_mono_ms();
        if (left <= 0)
            return error_set(err, ERR_TIMEOUT, "no answer from the server within %lld s",
                             (long long)timeout_ms / 1000);
        if (poll(fds, ARRAY_LEN(fds), (int)left) < 0 && errno != EINTR)
            return error_errno(err, errno, "cannot wait for the server");
        if (fds[1].revents)
            return error_set(err, ERR_UNAVAILABLE, "interrupted");
        if (!transfer->transport->pump(transfer, err))
            return false;
    }
    return true;
}

bool request_wait(struct transfer *transfer, int64_t timeout_ms, struct error *err) {
    return request_wait_unless(transfer, timeout_ms, -1, err);
}

struct transfer *request_run(struct client *client, const struct request *request,
                             int64_t timeout_ms, struct error *err) {
    for (int attempt = 0;; attempt++) {
        cleanup_transfer struct transfer *transfer = request_begin(client, request, err);
        if (!transfer)
            return NULL;
        if (request_wait(transfer, timeout_ms, err))
            return steal_ptr(&transfer);
        /* The backend left in that moment and did not read it: it may be sent once more. */
        if (!transfer->unread || attempt)
            return NULL;
    }
}
