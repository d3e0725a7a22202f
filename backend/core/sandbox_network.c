/* SPDX-License-Identifier: Apache-2.0
 *
 * What a running sandbox may reach is changed: first the routes, then the record, so that a rule
 * that could not be set is not believed in after a restart.
 */
#include "backend/core/core.h"
#include "backend/store/sandboxes.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

struct change {
    struct core *core;
    char id[ID_SANDBOX];
    struct network_rules rules;
    void (*done)(void *ctx, const struct error *err);
    void *ctx;
};

static void on_set(void *ctx, const struct error *err) {
    struct change *change = ctx;
    struct error own = ERROR_INIT;
    /* Routes that stand are recorded also when it was paused since; where they could not be set
     * because it was paused or ended since, that is what is said. */
    struct sandbox *sandbox = (err ? sandbox_find : sandbox_lookup)(change->core, change->id, &own);
    if (!sandbox || (!err && !record_network(sandbox, &change->rules, &own)))
        err = &own;
    if (!err) {
        network_rules_free(&sandbox->network);
        sandbox->network = change->rules;
    } else {
        network_rules_free(&change->rules);
    }
    change->done(change->ctx, err);
    free(change);
}

void sandbox_set_network(struct sandbox *sandbox, struct network_rules *rules,
                         void (*done)(void *ctx, const struct error *err), void *ctx) {
    struct change *change = memory_need(sizeof(*change));
    *change = (struct change){.core = sandbox->core, .rules = *rules, .done = done, .ctx = ctx};
    memcpy(change->id, sandbox->id, sizeof(change->id));
    change->rules.is_private = sandbox->network.is_private;
    memcpy(change->rules.mask_host, sandbox->network.mask_host, sizeof(change->rules.mask_host));
    *rules = (struct network_rules){.internet = false};
    const struct plan_network policy = network_rules_plan(&change->rules);
    guest_set_network(sandbox->guest, &policy, on_set, change);
}
