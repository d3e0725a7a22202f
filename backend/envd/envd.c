/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/envd.h"

void envd_serve(struct sandbox *sandbox, struct exchange *x) {
    static const struct route *const tables[] = {
        envd_health_routes, envd_process_routes, envd_filesystem_routes,
        envd_watch_routes,  envd_files_routes,
    };
    const struct router router = {
        .tables = tables, .table_count = ARRAY_LEN(tables), .ctx = sandbox};
    router_serve(&router, x);
}
