/* SPDX-License-Identifier: Apache-2.0
 *
 * One timer for all sandboxes. Asking the kernel takes some 50 us a sandbox, so a look goes through
 * them in slices, between which the loop has its turn; then all of it is written at once.
 */
#include "backend/core/metrics.h"
#include "backend/core/core.h"
#include "backend/store/sandboxes.h"
#include "common/log.h"

#include <errno.h>
#include <string.h>

enum {
    PERIOD_MS = METRICS_SPAN_S * 1000,
    SLICE = 16,
    SLICE_PAUSE_MS = 1,
    FOLD_EVERY_S = 60,
    FRESH_S = 60, /* an older sample does not tell what is used now */
};

struct metrics {
    struct core *core;
    uv_timer_t timer;
    struct metrics_tick tick;
    struct metrics_sample *samples; /* of the look under way; NULL: none */
    size_t count, next, taken;
    int64_t due_ms;    /* monotonic: the next look */
    int64_t folded_s;  /* when that was done last */
    int64_t started;   /* sandboxes since the last look */
    bool told_of_none; /* the last tick that was written had no sandbox */
};

static void on_timer(uv_timer_t *timer);

/* ---- looking ---- */

static bool is_known(const struct guest_usage *usage) {
    return usage->cpu_us >= 0 && usage->memory_bytes >= 0 && usage->memory_cache_bytes >= 0 &&
           usage->disk_used_bytes >= 0;
}

/* It was paused: what it used since then was not used in that time. */
static bool is_long_ago(const struct cpu_mark *mark) {
    return mark->at_us && clock_mono_us() - mark->at_us > 3000 * (int64_t)PERIOD_MS;
}

/* Fills the sample of the sandbox that it names already. */
static bool take_sample(struct core *core, struct metrics_sample *sample) {
    struct sandbox_usage usage;
    struct error ignored = ERROR_INIT;
    struct sandbox *sandbox = registry_get(core, sample->sandbox_id);
    bool was_away = sandbox && is_long_ago(&sandbox->sampled);
    if (!sandbox || sandbox->state != SANDBOX_RUNNING ||
        !sandbox_usage_since(sandbox, &sandbox->sampled, &usage, &ignored) ||
        !is_known(&usage.guest) || was_away)
        return false;
    sample->cpus = usage.guest.cpus;
    sample->cpu_percent = usage.cpu_percent;
    sample->memory_used = usage.guest.memory_bytes;
    sample->memory_total = usage.guest.memory_limit_bytes;
    sample->memory_cache = usage.guest.memory_cache_bytes;
    sample->disk_used = usage.guest.disk_used_bytes;
    sample->disk_total = usage.guest.disk_total_bytes;
    return true;
}

/* Takes their names down: sandboxes come and go between the slices. */
static void begin(struct metrics *metrics) {
    struct core *core = metrics->core;
    metrics->samples = calloc(core->count + 1, sizeof(*metrics->samples));
    metrics->count = metrics->next = metrics->taken = 0;
    if (!metrics->samples)
        return; /* without memory this look is left out */
    for (const struct sandbox *at = sandbox_first(core); at; at = sandbox_older(at))
        memcpy(metrics->samples[metrics->count++].sandbox_id, at->id, sizeof(at->id));
    metrics->tick = (struct metrics_tick){.at_s = clock_now_ms() / 1000,
                                          .sandboxes = (int64_t)metrics->count,
                                          .started = metrics->started};
    metrics->started = 0;
}

static void look_at_some(struct metrics *metrics) {
    size_t end = MIN(metrics->next + SLICE, metrics->count);
    for (; metrics->next < end; metrics->next++) {
        struct metrics_sample *sample = &metrics->samples[metrics->next];
        if (take_sample(metrics->core, sample))
            metrics->samples[metrics->taken++] = *sample;
    }
}

static void write_down(struct metrics *metrics) {
    struct store *store = metrics->core->config.store;
    struct error err = ERROR_INIT;
    const struct metrics_tick *tick = &metrics->tick;
    bool none = !tick->sandboxes && !tick->started;
    bool ok = (none && metrics->told_of_none) ||
              store_metrics_add(store, tick, metrics->samples, metrics->taken, &err);
    metrics->told_of_none = none;
    if (ok && llabs(tick->at_s - metrics->folded_s) >= FOLD_EVERY_S) {
        metrics->folded_s = tick->at_s;
        ok = store_metrics_fold(store, tick->at_s, &err);
    }
    if (!ok)
        log_warn("metrics were not recorded", "error", err.message);
    free(steal_ptr(&metrics->samples));
}

static void arm(struct metrics *metrics, int64_t ms) {
    uv_update_time(metrics->timer.loop);
    uv_timer_start(&metrics->timer, on_timer, (uint64_t)ms, 0);
    uv_unref((uv_handle_t *)&metrics->timer); /* nobody's reason to stay */
}

static void on_timer(uv_timer_t *timer) {
    struct metrics *metrics = timer->data;
    if (!metrics->samples) {
        metrics->due_ms = clock_mono_ms() + PERIOD_MS;
        begin(metrics);
    }
    if (metrics->samples)
        look_at_some(metrics);
    if (metrics->samples && metrics->next < metrics->count) {
        arm(metrics, SLICE_PAUSE_MS);
        return;
    }
    if (metrics->samples)
        write_down(metrics);
    arm(metrics, MAX(metrics->due_ms - clock_mono_ms(), 0));
}

void metrics_count_start(struct core *core) {
    core->metrics->started++;
}

/* ---- start and stop ---- */

bool metrics_start(struct core *core, struct error *err) {
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    if (!metrics)
        return error_errno(err, ENOMEM, "cannot start");
    metrics->core = core;
    metrics->told_of_none = true;
    uv_timer_init(core->config.loop, &metrics->timer);
    metrics->timer.data = metrics;
    core->metrics = metrics;
    arm(metrics, PERIOD_MS);
    return true;
}

static void on_closed(uv_handle_t *handle) {
    struct metrics *metrics = handle->data;
    free(metrics->samples);
    free(metrics);
}

void metrics_stop(struct core *core) {
    uv_close((uv_handle_t *)&core->metrics->timer, on_closed);
    core->metrics = NULL;
}

/* ---- what was seen ---- */

struct found {
    void (*each)(void *ctx, const struct metrics_sample *sample);
    void *ctx;
    bool any;
};

static void on_found(void *ctx, const struct metrics_sample *sample) {
    struct found *found = ctx;
    found->any = true;
    found->each(found->ctx, sample);
}

bool metrics_of(struct core *core, const char *sandbox_id, int64_t from_s, int64_t to_s,
                void (*each)(void *ctx, const struct metrics_sample *sample), void *ctx,
                struct error *err) {
    struct found found = {.each = each, .ctx = ctx};
    if (!store_metrics_each(core->config.store, sandbox_id, from_s, to_s, on_found, &found, err))
        return false;
    return found.any || sandbox_is_remembered(core, sandbox_id, err);
}

bool metrics_now(struct core *core, const char *sandbox_id, struct metrics_sample *sample,
                 bool *found, struct error *err) {
    return store_metrics_last(core->config.store, sandbox_id, clock_now_ms() / 1000 - FRESH_S,
                              sample, found, err);
}

bool metrics_of_all(struct core *core, int64_t from_s, int64_t to_s,
                    void (*each)(void *ctx, const struct metrics_tick *tick), void *ctx,
                    struct error *err) {
    return store_metrics_each_tick(core->config.store, from_s, to_s, each, ctx, err);
}
