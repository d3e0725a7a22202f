/* SPDX-License-Identifier: Apache-2.0
 *
 * The control plane's resources, a route table each. In every row call->ctx is the `struct api`.
 */
#ifndef E2B_API_API_H
#define E2B_API_API_H

#include "backend/core/sandbox.h"
#include "backend/core/webhook.h"
#include "backend/http/route.h"

struct api {
    struct core *core;
    struct webhooks *webhooks;
    const char *domain;  /* "localhost:PORT": where clients find the ports of sandboxes */
    const char *api_key; /* the first one */
};

/* Where the client of this exchange finds them: a server of ours that is reached as api.DOMAIN,
 * e.g. behind a TLS front, is found under DOMAIN. Valid until the exchange ends. */
const char *api_domain(const struct api *api, struct exchange *x);

/* For the router: keys open everything, access tokens likewise as Bearer; `ctx` is the api. */
bool api_check_key(void *ctx, const char *key, bool is_bearer);

extern const struct route api_sandbox_routes[];       /* create, get, delete */
extern const struct route api_sandbox_list_routes[];  /* lists */
extern const struct route api_sandbox_time_routes[];  /* timeout, refreshes */
extern const struct route api_sandbox_state_routes[]; /* pause, resume, connect */
extern const struct route api_fork_routes[];
extern const struct route api_snapshot_routes[];
extern const struct route api_template_routes[];
extern const struct route api_template_tag_routes[];
extern const struct route api_template_file_routes[];
extern const struct route api_build_routes[];
extern const struct route api_build_log_routes[];
extern const struct route api_log_routes[];
extern const struct route api_metrics_routes[];
extern const struct route api_network_routes[];
extern const struct route api_event_routes[];
extern const struct route api_webhook_routes[];
extern const struct route api_delivery_routes[];
extern const struct route api_health_routes[];
extern const struct route api_key_routes[]; /* and access tokens */
extern const struct route api_secret_routes[];
extern const struct route api_team_routes[];
extern const struct route api_volume_routes[];
extern const struct route api_volume_content_routes[];
extern const struct route api_volume_file_routes[];

#endif
