/* SPDX-License-Identifier: Apache-2.0
 *
 * The states of a sandbox: which may follow which, and waiting for the end of a change. RUNNING and
 * PAUSED are settled; what is to be done to a sandbox waits until it is, so no two changes of one
 * sandbox ever meet.
 */
#include "backend/core/core.h"
#include "common/memory.h"

#include <stdio.h>

#define TO(name) (1u << SANDBOX_##name)

static const unsigned ways[] = {
    [SANDBOX_STARTING] = TO(RUNNING) | TO(PAUSED),
    [SANDBOX_RUNNING] = TO(PAUSING) | TO(SNAPSHOTTING) | TO(ENDING),
    [SANDBOX_PAUSING] = TO(RUNNING) | TO(PAUSED),
    [SANDBOX_PAUSED] = TO(PAUSING) | TO(RESUMING) | TO(SNAPSHOTTING) | TO(ENDING),
    [SANDBOX_RESUMING] = TO(RUNNING) | TO(PAUSED),
    [SANDBOX_SNAPSHOTTING] = TO(RUNNING) | TO(PAUSED),
    [SANDBOX_ENDING] = 0,
};

struct sandbox_wait {
    void (*go)(void *ctx);
    void *ctx;
    struct sandbox_wait *next;
};

static bool is_settled(const struct sandbox *sandbox) {
    return sandbox->state == SANDBOX_RUNNING || sandbox->state == SANDBOX_PAUSED;
}

bool sandbox_is_known(const struct sandbox *sandbox) {
    return !sandbox->doom && sandbox->state != SANDBOX_STARTING;
}

bool sandbox_is_running(const struct sandbox *sandbox) {
    return sandbox_is_known(sandbox) && !sandbox->paused && sandbox->state != SANDBOX_PAUSING;
}

void sandbox_change(struct sandbox *sandbox, enum sandbox_state to) {
    if (!(ways[sandbox->state] >> to & 1))
        abort();
    sandbox->core->paused += to == SANDBOX_PAUSED;
    sandbox->core->paused -= sandbox->state == SANDBOX_PAUSED;
    sandbox->state = to;
    core_tell_idle(sandbox->core);
}

void sandbox_await(struct sandbox *sandbox, void (*go)(void *ctx), void *ctx) {
    if (is_settled(sandbox)) {
        go(ctx);
        return;
    }
    struct sandbox_wait *wait = memory_need(sizeof(*wait)), **last = &sandbox->waits;
    *wait = (struct sandbox_wait){.go = go, .ctx = ctx};
    while (*last)
        last = &(*last)->next;
    *last = wait;
}

void sandbox_await_first(struct sandbox *sandbox, void (*go)(void *ctx), void *ctx) {
    struct sandbox_wait *wait = memory_need(sizeof(*wait));
    *wait = (struct sandbox_wait){.go = go, .ctx = ctx, .next = sandbox->waits};
    sandbox->waits = wait;
}

static void go_on(struct sandbox_wait *wait) {
    while (wait) {
        struct sandbox_wait *next = wait->next;
        wait->go(wait->ctx);
        free(wait);
        wait = next;
    }
}

/* Each of them looks the sandbox up anew: the first may have begun another change. */
void sandbox_settle(struct sandbox *sandbox, enum sandbox_state to) {
    struct sandbox_wait *waits = steal_ptr(&sandbox->waits);
    const bool is_lost = sandbox->is_lost;
    sandbox_change(sandbox, to);
    sandbox->is_lost = false;
    if (sandbox->doom)
        sandbox_carry_out_doom(sandbox);
    else if (is_lost)
        sandbox_was_lost(sandbox);
    else if (to == SANDBOX_RUNNING)
        timeouts_watch(sandbox->core, sandbox);
    go_on(waits);
}

void sandbox_drop_waits(struct sandbox *sandbox) {
    go_on(steal_ptr(&sandbox->waits));
}

/* ---- orders ---- */

static void try_again(void *ctx) {
    struct order *order = ctx;
    order_give(order, order->id);
}

void order_give(struct order *order, const char *id) {
    struct error err = ERROR_INIT;
    struct sandbox *sandbox = sandbox_lookup(order->core, id, &err);
    if (!sandbox) {
        order->fail(order, &err);
        return;
    }
    if (id != order->id)
        snprintf(order->id, sizeof(order->id), "%s", sandbox->id);
    if (is_settled(sandbox))
        order->begin(order, sandbox);
    else
        sandbox_await(sandbox, try_again, order);
}
