/* SPDX-License-Identifier: Apache-2.0
 *
 * What sandboxes used, each and all together. Times in the query are Unix seconds.
 */
#include "backend/api/api.h"
#include "backend/api/time_json.h"
#include "backend/core/metrics.h"

#include <errno.h>
#include <string.h>

enum { MAX_IDS = 100 };

struct period {
    int64_t from_s, to_s;
};

/* ---- the query ---- */

static bool read_second(struct exchange *x, const char *name, int64_t *second, struct error *err) {
    uint64_t number;
    const char *text = exchange_param(x, name, 0, err);
    if (err->kind != ERR_NONE)
        return false;
    if (!text || !*text)
        return true;
    if (!slice_number((struct slice){text, strlen(text)}, &number) || number > INT32_MAX * 1000LL)
        return error_set(err, ERR_INVALID, "validation error: %s must be Unix seconds", name);
    *second = (int64_t)number;
    return true;
}

static bool read_period(struct exchange *x, struct period *period, struct error *err) {
    int64_t now_s = clock_now_ms() / 1000;
    *period = (struct period){.from_s = now_s - METRICS_KEEP_S, .to_s = now_s};
    if (!read_second(x, "start", &period->from_s, err) ||
        !read_second(x, "end", &period->to_s, err))
        return false;
    return period->from_s <= period->to_s ||
           error_set(err, ERR_INVALID, "start time cannot be after end time");
}

/* ---- one sandbox ---- */

static json_t *at(int64_t at_s) {
    return json_pack("{s:o, s:I}", "timestamp", time_json(at_s * 1000), "timestampUnix",
                     (json_int_t)at_s);
}

static json_t *sample_json(const struct metrics_sample *sample) {
    json_t *object = at(sample->at_s);
    const struct {
        const char *key;
        int64_t number;
    } numbers[] = {
        {"cpuCount", sample->cpus},         {"memUsed", sample->memory_used},
        {"memTotal", sample->memory_total}, {"memCache", sample->memory_cache},
        {"diskUsed", sample->disk_used},    {"diskTotal", sample->disk_total},
    };
    json_object_set_new(object, "cpuUsedPct", json_real(sample->cpu_percent));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        json_object_set_new(object, numbers[i].key, json_integer(numbers[i].number));
    return object;
}

static void add_sample(void *ctx, const struct metrics_sample *sample) {
    json_array_append_new(ctx, sample_json(sample));
}

static void reply(struct call *call, json_t *answer, const struct error *err) {
    if (err->kind == ERR_NONE) {
        exchange_reply_json(call->x, 200, answer);
        return;
    }
    json_decref(answer);
    exchange_reply_error(call->x, err);
}

static void of_one(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct period period;
    char own[ID_SANDBOX];
    const char *id = sandbox_read_id(call->params[0], own, &err);
    json_t *all = json_array();
    if (id && read_period(call->x, &period, &err))
        metrics_of(api->core, id, period.from_s, period.to_s, add_sample, all, &err);
    reply(call, all, &err);
}

/* ---- several ---- */

static bool add_newest(const struct api *api, json_t *all, const char *id, struct error *err) {
    struct metrics_sample sample;
    bool found;
    if (!metrics_now(api->core, id, &sample, &found, err))
        return false;
    if (found)
        json_object_set_new(all, id, sample_json(&sample));
    return true;
}

/* Between commas; those that have no sample are left out. */
static bool add_listed(const struct api *api, json_t *all, const char *ids, struct error *err) {
    size_t count = 0;
    while (*ids) {
        char id[ID_SANDBOX];
        size_t len = strcspn(ids, ",");
        if (++count > MAX_IDS)
            return error_set(err, ERR_INVALID, "Too many sandboxes requested, maximum is %d",
                             MAX_IDS);
        if (len < sizeof(id)) {
            memcpy(id, ids, len);
            id[len] = '\0';
            if (!add_newest(api, all, id, err))
                return false;
        }
        ids += len + (ids[len] == ',');
    }
    return count > 0 || error_set(err, ERR_INVALID, "validation error: sandbox_ids is missing");
}

static void of_several(struct call *call) {
    struct error err = ERROR_INIT;
    json_t *all = json_object();
    const char *ids = exchange_param(call->x, "sandbox_ids", 0, &err);
    if (err.kind == ERR_NONE)
        add_listed(call->ctx, all, ids ? ids : "", &err);
    reply(call, json_pack("{s:o}", "sandboxes", all), &err);
}

/* ---- all together ---- */

/* There is one team; another's are nobody's business. */
static bool check_team(const struct call *call, struct error *err) {
    const struct api *api = call->ctx;
    return strcmp(call->params[0], core_team_id(api->core)) == 0 ||
           error_set(err, ERR_FORBIDDEN, "You don't have access to this team");
}

static double start_rate(const struct metrics_tick *tick) {
    return (double)tick->started / (double)tick->span_s;
}

static void add_tick(void *ctx, const struct metrics_tick *tick) {
    json_t *object = at(tick->at_s);
    json_object_set_new(object, "concurrentSandboxes", json_integer(tick->sandboxes));
    json_object_set_new(object, "sandboxStartRate", json_real(start_rate(tick)));
    json_array_append_new(ctx, object);
}

static void of_team(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct period period;
    json_t *all = json_array();
    if (check_team(call, &err) && read_period(call->x, &period, &err))
        metrics_of_all(api->core, period.from_s, period.to_s, add_tick, all, &err);
    reply(call, all, &err);
}

struct most {
    double (*value)(const struct metrics_tick *tick);
    double number;
    int64_t at_s;
};

static void look_for_most(void *ctx, const struct metrics_tick *tick) {
    struct most *most = ctx;
    double number = most->value(tick);
    if (!most->at_s || number > most->number) {
        most->number = number;
        most->at_s = tick->at_s;
    }
}

static double concurrent(const struct metrics_tick *tick) {
    return (double)tick->sandboxes;
}

static bool read_metric(struct exchange *x, struct most *most, struct error *err) {
    const char *metric = exchange_param(x, "metric", 0, err);
    if (err->kind != ERR_NONE)
        return false;
    if (metric && strcmp(metric, "concurrent_sandboxes") == 0)
        most->value = concurrent;
    else if (metric && strcmp(metric, "sandbox_start_rate") == 0)
        most->value = start_rate;
    else
        return error_set(err, ERR_INVALID,
                         "validation error: metric must be concurrent_sandboxes or "
                         "sandbox_start_rate");
    return true;
}

/* Nothing was counted yet: then there was no sandbox either, and that is no guess. */
static void most_of_team(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct period period;
    struct most most = {.value = NULL};
    if (check_team(call, &err) && read_metric(call->x, &most, &err) &&
        read_period(call->x, &period, &err))
        metrics_of_all(api->core, period.from_s, period.to_s, look_for_most, &most, &err);
    json_t *answer = at(most.at_s ? most.at_s : clock_now_ms() / 1000);
    json_object_set_new(answer, "value", json_real(most.number));
    reply(call, answer, &err);
}

const struct route api_metrics_routes[] = {
    {"GET", "/sandboxes/metrics", 0, of_several},
    {"GET", "/sandboxes/{id}/metrics", 0, of_one},
    {"GET", "/teams/{id}/metrics", 0, of_team},
    {"GET", "/teams/{id}/metrics/max", 0, most_of_team},
    {0},
};
