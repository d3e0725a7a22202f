/* SPDX-License-Identifier: Apache-2.0
 *
 * Which room a request belongs to. The control plane, the sandboxes' own API and the way to their
 * ports share one address, so this is decided before any path is looked at.
 */
#include "backend/daemon/daemon.h"

#include <string.h>

static void serve_local(struct daemon *daemon, struct exchange *x) {
    static const struct route *const tables[] = {local_routes};
    const struct router router = {
        .tables = tables, .table_count = ARRAY_LEN(tables), .ctx = daemon};
    router_serve(&router, x);
}

void dispatch(void *ctx, struct exchange *x) {
    serve_local(ctx, x);
}
