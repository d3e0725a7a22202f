/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers and archives that no build has needed for some days, and builds that no tag leads to any
 * more, templates that never came to be. A few at a time: what they free is emptied slowly, too.
 */
#include "backend/core/build_run.h"
#include "backend/core/core.h"
#include "backend/core/kept.h"
#include "backend/core/uploads.h"

#include <errno.h>

enum { EVERY_MS = 600 * 1000 };
static const int64_t day_ms = 24 * 3600 * INT64_C(1000);

static void on_collecting(uv_timer_t *timer) {
    struct core *core = timer->data;
    recipes_collect(core, steady_ago_ms(day_ms));
    recipes_drop_failed(core, steady_ago_ms(day_ms));
    kept_collect(core, steady_ago_ms(14 * day_ms));
    uploads_collect(core, steady_ago_ms(7 * day_ms));
}

bool collecting_start(struct core *core, struct error *err) {
    core->collecting = malloc(sizeof(*core->collecting));
    if (!core->collecting)
        return error_errno(err, ENOMEM, "cannot start");
    uv_timer_init(core->config.loop, core->collecting);
    uv_unref((uv_handle_t *)core->collecting);
    core->collecting->data = core;
    uv_timer_start(core->collecting, on_collecting, EVERY_MS / 10, EVERY_MS);
    return true;
}

static void on_closed(uv_handle_t *handle) {
    free(handle);
}

void collecting_stop(struct core *core) {
    if (core->collecting)
        uv_close((uv_handle_t *)steal_ptr(&core->collecting), on_closed);
}
