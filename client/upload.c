/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploads to addresses that the API gave out. What they need of credentials is in the address or in
 * the headers that came with it.
 */
#include "client/answer.h"
#include "client/request.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum { ATTEMPTS = 4, FIRST_WAIT_MS = 500, UPLOAD_TIMEOUT_MS = 3600 * 1000 };

/* Path and query of an absolute address. */
static const char *path_of(const char *url) {
    const char *host = strstr(url, "://");
    const char *path = host ? strchr(host + 3, '/') : *url == '/' ? url : NULL;
    return path ? path : "/";
}

static bool add_headers(struct request *request, const json_t *headers, struct error *err) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)headers, name, value) {
        const char *text = json_string_value(value);
        if (!text || text[strcspn(text, "\r\n")] || !*name || name[strcspn(name, "\r\n: ")])
            return error_set(err, ERR_INTERNAL, "the server wants a header that cannot be sent");
        if (!request_header(request, err, "%s: %s", name, text))
            return false;
    }
    return true;
}

static bool try_once(struct client *client, const struct upload *upload, bool *again,
                     struct error *err) {
    cleanup_request struct request request = {.method = "PUT", .upload = upload};
    bool local = client->target.kind == TARGET_LOCAL;
    *again = false;
    if (!request_url(&request, err, "%s", local ? path_of(upload->url) : upload->url) ||
        !request_header(&request, err, "User-Agent: e2b-c/" PACKAGE_VERSION) ||
        !add_headers(&request, upload->headers, err))
        return false;
    cleanup_transfer struct transfer *transfer =
        request_run(client, &request, UPLOAD_TIMEOUT_MS, err);
    *again = !transfer;
    if (!transfer)
        return false;
    int status = transfer->status;
    if (status >= 200 && status < 300)
        return true;
    *again = status == 408 || status == 429 || (status >= 500 && status != 507);
    return answer_failed(status, transfer->body.data, transfer->body.len, err);
}

bool client_upload(struct client *client, const struct upload *upload, struct error *err) {
    int wait_ms = FIRST_WAIT_MS;
    for (int attempt = 1;; attempt++, wait_ms *= 2) {
        bool again;
        struct error why = ERROR_INIT;
        if (try_once(client, upload, &again, &why))
            return true;
        *err = why;
        if (!again || attempt == ATTEMPTS)
            return false;
        poll(NULL, 0, wait_ms);
    }
}
