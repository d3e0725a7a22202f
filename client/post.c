/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes posted to a server that is none of E2B, through the remote transport.
 */
#include "client/client.h"

#include "client/request.h"

#include <string.h>

bool client_post(struct client *client, const struct client_post *post, int *status,
                 struct error *err) {
    cleanup_request struct request request = {
        .method = "POST", .body = post->body, .body_len = post->len};
    if (!request_url(&request, err, "%s", post->url))
        return false;
    for (const char *const *header = post->headers; *header; header++)
        if (!request_header(&request, err, "%s", *header))
            return false;
    cleanup_transfer struct transfer *transfer = request_begin(client, &request, err);
    if (!transfer || !request_wait_unless(transfer, post->timeout_ms, post->stop_fd, err))
        return error_hint(err, "does anybody listen there?");
    *status = transfer->status;
    return true;
}
