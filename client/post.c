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
    cleanup_transfer struct transfer *transfer =
        request_run(client, &request, post->timeout_ms, err);
    if (transfer)
        *status = transfer->status;
    return transfer || error_hint(err, "does anybody listen there?");
}
