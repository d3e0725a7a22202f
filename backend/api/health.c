/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/api/api.h"

static void health(struct call *call) {
    exchange_reply_empty(call->x, 204);
}

const struct route api_health_routes[] = {
    {"GET", "/health", ROUTE_OPEN, health},
    {0},
};
