/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/api/waiting.h"

#include <errno.h>

struct waiting {
    struct exchange *x; /* NULL: the peer has left */
    const struct api *api;
};

static void on_closed(void *ctx, bool broken) {
    struct waiting *waiting = ctx;
    (void)broken;
    waiting->x = NULL;
}

struct waiting *waiting_begin(struct call *call) {
    struct waiting *waiting = malloc(sizeof(*waiting));
    if (!waiting) {
        struct error err = ERROR_INIT;
        error_errno(&err, ENOMEM, "cannot serve the request");
        exchange_reply_error(call->x, &err);
        return NULL;
    }
    *waiting = (struct waiting){.x = call->x, .api = call->ctx};
    exchange_set_events(call->x, &(struct exchange_events){.closed = on_closed}, waiting);
    return waiting;
}

struct exchange *waiting_end(struct waiting *waiting, const struct api **api) {
    struct exchange *x = waiting->x;
    *api = waiting->api;
    if (x)
        exchange_set_events(x, &(struct exchange_events){0}, NULL);
    free(waiting);
    return x;
}
