/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest's way out, made once it runs: whoever waits for the sandbox does not wait for that.
 */
#include "backend/runtime/internal.h"
#include "common/log.h"

#include <stdio.h>
#include <string.h>

/* The guest may be gone when the answer comes, so only its name is kept. */
static void on_connected(void *ctx, const struct error *err) {
    char *id = ctx;
    if (err)
        log_warn("a sandbox has no way out", "sandbox", id, "error", err->message);
    free(id);
}

void guest_connect(struct guest *g, const struct plan_network *policy) {
    const struct network_guest where = {.pid = g->pid, .pidfd = g->pidfd};
    const struct agent_request keep = {.type = AGENT_KEEP};
    char *id = strdup(g->id);
    if (!id)
        abort();
    int alive = network_attach(g->rt->network, &where, policy, on_connected, id);
    if (alive >= 0)
        control_send(g->control, &keep, &alive, 1, NULL, NULL);
}

void guest_set_network(struct guest *guest, const struct plan_network *network,
                       void (*done)(void *ctx, const struct error *err), void *ctx) {
    const struct network_guest where = {.pid = guest->pid, .pidfd = guest->pidfd};
    network_update(guest->rt->network, &where, network, done, ctx);
}
