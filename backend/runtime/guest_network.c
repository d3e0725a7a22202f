/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest's way out: connected as soon as it runs, while its creator already goes on. What is to be
 * spawned waits for the routes, so that nothing ever runs without its rules.
 */
#include "backend/runtime/internal.h"
#include "backend/runtime/network.h"
#include "common/log.h"
#include "common/memory.h"

/* Outlives the guest when that ends first. */
struct guest_link {
    struct guest *guest; /* NULL: it is gone */
};

static void on_connected(void *ctx, const struct error *err) {
    struct guest_link *link = ctx;
    struct guest *g = link->guest;
    if (g) {
        g->link = NULL;
        if (err)
            log_warn("a sandbox has no network", "sandbox", g->id, "error", err->message, "hint",
                     err->hint);
        guest_send_held(g);
    }
    free(link);
}

static void keep(struct guest *g, int fd) {
    const struct agent_request request = {.type = AGENT_KEEP};
    if (fd >= 0)
        control_send(g->control, &request, &fd, 1, NULL, NULL);
}

void guest_connect(struct guest *g, const struct plan_network *policy, bool is_new) {
    const struct network_guest self = {g->pid, g->pidfd};
    guest_forget_link(g);
    g->link = memory_need(sizeof(*g->link));
    g->link->guest = g;
    keep(g, network_set(g->rt->network, &self, policy, is_new, on_connected, g->link));
}

void guest_restore_network(struct guest *guest, const struct plan_network *network) {
    guest_connect(guest, network, false);
}

void guest_forget_link(struct guest *g) {
    if (g->link)
        g->link->guest = NULL;
    g->link = NULL;
}

void guest_set_network(struct guest *guest, const struct plan_network *network,
                       void (*done)(void *ctx, const struct error *err), void *ctx) {
    const struct network_guest where = {guest->pid, guest->pidfd};
    keep(guest, network_set(guest->rt->network, &where, network, false, done, ctx));
}
