/* SPDX-License-Identifier: Apache-2.0
 *
 * What builds keep for the next ones: shown, and removed on demand. Only over the Unix socket, as
 * all that concerns this machine's disk.
 */
#include "backend/daemon/daemon.h"

#include "backend/api/time_json.h"
#include "backend/api/waiting.h"
#include "backend/core/cache.h"
#include "backend/core/uploads.h"
#include "common/memory.h"

struct request {
    struct waiting *waiting;
    bool all;
};

static void measure(struct call *call, cache_measured done, bool all) {
    struct daemon *daemon = call->ctx;
    struct error err = ERROR_INIT;
    struct call as_api = *call;
    as_api.ctx = &daemon->api;
    struct request *request = memory_need(sizeof(*request));
    *request = (struct request){.all = all, .waiting = waiting_begin(&as_api)};
    if (request->waiting && cache_measure(daemon->core, done, request, &err))
        return;
    if (request->waiting) {
        const struct api *api;
        exchange_reply_error(waiting_end(request->waiting, &api), &err);
    }
    free(request);
}

static struct exchange *end(struct request *request, const struct api **api) {
    struct exchange *x = waiting_end(request->waiting, api);
    free(request);
    return x;
}

/* ---- shown ---- */

struct listing {
    const struct cache *cache;
    json_t *layers, *files;
};

static void add_user(void *users, const char *user) {
    json_array_append_new(users, json_string(user));
}

static void add_layer(void *ctx, const struct cache_layer *layer) {
    const struct listing *listing = ctx;
    json_t *users = json_array();
    cache_each_user(listing->cache, layer, add_user, users);
    json_array_append_new(listing->layers,
                          json_pack("{s:s, s:s, s:o, s:o, s:o}", "key", layer->key, "step",
                                    layer->step, "sizeBytes",
                                    layer->bytes < 0 ? json_null() : json_integer(layer->bytes),
                                    "lastUsedAt", time_json(layer->used_ms), "usedBy", users));
}

static void add_file(void *ctx, const struct upload_kept *file) {
    const struct listing *listing = ctx;
    json_array_append_new(listing->files, json_pack("{s:s, s:I, s:o}", "hash", file->hash,
                                                    "sizeBytes", (json_int_t)file->bytes,
                                                    "lastUsedAt", time_json(file->used_ms)));
}

static void show(void *ctx, struct cache *cache) {
    const struct api *api;
    struct exchange *x = end(ctx, &api);
    struct listing listing = {cache, json_array(), json_array()};
    if (!x) {
        json_decref(listing.layers);
        json_decref(listing.files);
        return;
    }
    cache_each_layer(cache, add_layer, &listing);
    uploads_each(api->core, add_file, &listing);
    exchange_reply_json(x, 200,
                        json_pack("{s:o, s:o}", "layers", listing.layers, "files", listing.files));
}

static void get_cache(struct call *call) {
    if (!local_refuse_strangers(call))
        measure(call, show, false);
}

/* ---- removed ---- */

static void prune(void *ctx, struct cache *cache) {
    struct error err = ERROR_INIT;
    struct cache_freed freed;
    const struct api *api;
    const bool all = ((const struct request *)ctx)->all;
    struct exchange *x = end(ctx, &api);
    const bool ok = cache_prune(cache, all, &freed, &err);
    if (x && ok)
        exchange_reply_json(x, 200,
                            json_pack("{s:i, s:i, s:I}", "layers", (int)freed.layers, "files",
                                      (int)freed.files, "freedBytes", (json_int_t)freed.bytes));
    else if (x)
        exchange_reply_error(x, &err);
}

static void post_prune(struct call *call) {
    struct error err = ERROR_INIT;
    bool all = false;
    if (local_refuse_strangers(call))
        return;
    if (json_get_bool(call->json, "all", &all, &err))
        measure(call, prune, all);
    else
        exchange_reply_error(call->x, &err);
}

const struct route local_cache_routes[] = {
    {"GET", "/local/cache", 0, get_cache},
    {"POST", "/local/cache/prune", ROUTE_JSON, post_prune},
    {0},
};
