/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept for nobody and does not go by itself soon enough.
 */
#include "backend/core/core.h"
#include "backend/store/sandboxes.h"

static const int64_t record_age_ms = 3600 * INT64_C(1000);

bool core_collect(struct core *core, bool dry_run, struct core_garbage *found, struct error *err) {
    struct store *store = core->config.store;
    const int64_t before_ms = clock_now_ms() - record_age_ms;
    if (!store_sandbox_count_ended(store, before_ms, &found->records, err) ||
        (!dry_run && !store_sandbox_purge(store, before_ms, err)))
        return false;
    if (!dry_run)
        layers_sweep(core);
    found->trash = runtime_collect(core->config.runtime, dry_run);
    return true;
}
