/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows are ordered by time and then by sandbox: a tick writes a few pages one after the other, and
 * what is old goes from the front. The ticks of all tiers are some 2,800 rows, so a join from them
 * is as many searches at the most.
 */
#include "backend/store/metrics.h"
#include "backend/store/internal.h"

#include <stdio.h>

static const struct tier {
    int64_t span_s, keep_s;
} tiers[] = {
    {METRICS_SPAN_S, 3600},
    {60, 24 * 3600},
    {900, METRICS_KEEP_S},
};

#define SAMPLE_COLUMNS                                                                             \
    "m.at_s, m.sandbox_id, m.cpu_percent, m.cpus, m.memory_used, m.memory_total, m.memory_cache, " \
    "m.disk_used, m.disk_total"
#define SAMPLES_OF_TICKS                                                                           \
    " FROM metric_ticks t CROSS JOIN metrics m"                                                    \
    " ON m.span_s = t.span_s AND m.at_s = t.at_s AND m.sandbox_id = ?"

static const char no_write[] = "cannot record what sandboxes use";
static const char no_read[] = "cannot read what sandboxes used";

/* ---- writing ---- */

static bool add_tick(struct store *store, const struct metrics_tick *tick, struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store,
                      "INSERT OR REPLACE INTO metric_ticks (span_s, at_s, sandboxes, started)"
                      " VALUES (?, ?, ?, ?)",
                      err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, METRICS_SPAN_S);
    sqlite3_bind_int64(s, 2, tick->at_s);
    sqlite3_bind_int64(s, 3, tick->sandboxes);
    sqlite3_bind_int64(s, 4, tick->started);
    return store_run(store, s, no_write, err);
}

static bool add_sample(struct store *store, int64_t at_s, const struct metrics_sample *sample,
                       struct error *err) {
    sqlite3_stmt *s = store_prepare(
        store,
        "INSERT OR REPLACE INTO metrics (span_s, at_s, sandbox_id, cpu_percent, cpus, memory_used,"
        " memory_total, memory_cache, disk_used, disk_total) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, METRICS_SPAN_S);
    sqlite3_bind_int64(s, 2, at_s);
    store_bind_text(s, 3, sample->sandbox_id);
    sqlite3_bind_double(s, 4, sample->cpu_percent);
    sqlite3_bind_int64(s, 5, sample->cpus);
    sqlite3_bind_int64(s, 6, sample->memory_used);
    sqlite3_bind_int64(s, 7, sample->memory_total);
    sqlite3_bind_int64(s, 8, sample->memory_cache);
    sqlite3_bind_int64(s, 9, sample->disk_used);
    sqlite3_bind_int64(s, 10, sample->disk_total);
    return store_run(store, s, no_write, err);
}

bool store_metrics_add(struct store *store, const struct metrics_tick *tick,
                       const struct metrics_sample *samples, size_t count, struct error *err) {
    if (!store_begin(store, err))
        return false;
    bool ok = add_tick(store, tick, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = add_sample(store, tick->at_s, &samples[i], err);
    if (ok)
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

/* ---- growing old ---- */

/* ?1 the tier, ?2 the time before which a row leaves it, ?3 the next tier. */
static const char *const folding[] = {
    "INSERT OR REPLACE INTO metric_ticks (span_s, at_s, sandboxes, started)"
    " SELECT ?3, at_s / ?3 * ?3, max(sandboxes), sum(started) FROM metric_ticks"
    " WHERE span_s = ?1 AND at_s < ?2 GROUP BY at_s / ?3",
    "INSERT OR REPLACE INTO metrics (span_s, at_s, sandbox_id, cpu_percent, cpus, memory_used,"
    " memory_total, memory_cache, disk_used, disk_total)"
    " SELECT ?3, at_s / ?3 * ?3, sandbox_id, avg(cpu_percent), max(cpus),"
    " CAST(avg(memory_used) AS INTEGER), max(memory_total), CAST(avg(memory_cache) AS INTEGER),"
    " CAST(avg(disk_used) AS INTEGER), max(disk_total) FROM metrics"
    " WHERE span_s = ?1 AND at_s < ?2 GROUP BY at_s / ?3, sandbox_id",
};

static const char *const forgetting[] = {
    "DELETE FROM metric_ticks WHERE span_s = ?1 AND at_s < ?2",
    "DELETE FROM metrics WHERE span_s = ?1 AND at_s < ?2",
};

static bool run_on_tier(struct store *store, const char *sql, const int64_t *numbers, int count,
                        struct error *err) {
    sqlite3_stmt *s = store_prepare(store, sql, err);
    if (!s)
        return false;
    for (int i = 0; i < count; i++)
        sqlite3_bind_int64(s, i + 1, numbers[i]);
    return store_run(store, s, no_write, err);
}

/* The border lies between two spans of the next tier, so that each of these is made once. */
static bool fold_tier(struct store *store, const struct tier *tier, const struct tier *next,
                      int64_t now_s, struct error *err) {
    int64_t before_s = now_s - tier->keep_s;
    if (next)
        before_s -= before_s % next->span_s;
    const int64_t numbers[] = {tier->span_s, before_s, next ? next->span_s : 0};
    for (size_t i = 0; next && i < ARRAY_LEN(folding); i++)
        if (!run_on_tier(store, folding[i], numbers, 3, err))
            return false;
    for (size_t i = 0; i < ARRAY_LEN(forgetting); i++)
        if (!run_on_tier(store, forgetting[i], numbers, 2, err))
            return false;
    return true;
}

bool store_metrics_fold(struct store *store, int64_t now_s, struct error *err) {
    if (!store_begin(store, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(tiers); i++) {
        const struct tier *next = i + 1 < ARRAY_LEN(tiers) ? &tiers[i + 1] : NULL;
        if (!fold_tier(store, &tiers[i], next, now_s, err)) {
            store_rollback(store);
            return false;
        }
    }
    return store_commit(store, err);
}

/* ---- reading ---- */

static void read_sample(sqlite3_stmt *s, struct metrics_sample *sample) {
    *sample = (struct metrics_sample){
        .at_s = sqlite3_column_int64(s, 0),
        .cpu_percent = sqlite3_column_double(s, 2),
        .cpus = sqlite3_column_int64(s, 3),
        .memory_used = sqlite3_column_int64(s, 4),
        .memory_total = sqlite3_column_int64(s, 5),
        .memory_cache = sqlite3_column_int64(s, 6),
        .disk_used = sqlite3_column_int64(s, 7),
        .disk_total = sqlite3_column_int64(s, 8),
    };
    snprintf(sample->sandbox_id, sizeof(sample->sandbox_id), "%s",
             (const char *)sqlite3_column_text(s, 1));
}

static bool finish(struct store *store, sqlite3_stmt *s, int result, struct error *err) {
    bool ok = result == SQLITE_DONE || result == SQLITE_ROW;
    if (!ok)
        store_fail(store, no_read, err);
    store_reset(s);
    return ok;
}

bool store_metrics_each(struct store *store, const char *sandbox_id, int64_t from_s, int64_t to_s,
                        void (*each)(void *ctx, const struct metrics_sample *sample), void *ctx,
                        struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "SELECT " SAMPLE_COLUMNS SAMPLES_OF_TICKS
                                    " WHERE t.at_s BETWEEN ? AND ? ORDER BY t.at_s",
                                    err);
    if (!s)
        return false;
    store_bind_text(s, 1, sandbox_id);
    sqlite3_bind_int64(s, 2, from_s);
    sqlite3_bind_int64(s, 3, to_s);
    int result;
    while ((result = sqlite3_step(s)) == SQLITE_ROW) {
        struct metrics_sample sample;
        read_sample(s, &sample);
        each(ctx, &sample);
    }
    return finish(store, s, result, err);
}

bool store_metrics_last(struct store *store, const char *sandbox_id, int64_t from_s,
                        struct metrics_sample *sample, bool *found, struct error *err) {
    sqlite3_stmt *s =
        store_prepare(store,
                      "SELECT " SAMPLE_COLUMNS SAMPLES_OF_TICKS
                      " WHERE t.span_s = ? AND t.at_s >= ? ORDER BY t.at_s DESC LIMIT 1",
                      err);
    if (!s)
        return false;
    store_bind_text(s, 1, sandbox_id);
    sqlite3_bind_int64(s, 2, METRICS_SPAN_S);
    sqlite3_bind_int64(s, 3, from_s);
    int result = sqlite3_step(s);
    *found = result == SQLITE_ROW;
    if (*found)
        read_sample(s, sample);
    return finish(store, s, result, err);
}

bool store_metrics_each_tick(struct store *store, int64_t from_s, int64_t to_s,
                             void (*each)(void *ctx, const struct metrics_tick *tick), void *ctx,
                             struct error *err) {
    sqlite3_stmt *s = store_prepare(store,
                                    "SELECT at_s, span_s, sandboxes, started FROM metric_ticks"
                                    " WHERE at_s BETWEEN ? AND ? ORDER BY at_s",
                                    err);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, from_s);
    sqlite3_bind_int64(s, 2, to_s);
    int result;
    while ((result = sqlite3_step(s)) == SQLITE_ROW)
        each(ctx, &(struct metrics_tick){
                      .at_s = sqlite3_column_int64(s, 0),
                      .span_s = sqlite3_column_int64(s, 1),
                      .sandboxes = sqlite3_column_int64(s, 2),
                      .started = sqlite3_column_int64(s, 3),
                  });
    return finish(store, s, result, err);
}
