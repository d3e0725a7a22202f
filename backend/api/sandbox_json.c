/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/api/sandbox_json.h"

#include "backend/api/limits_json.h"
#include "backend/api/network_request.h"
#include "backend/core/steady.h"
#include "backend/core/volumes.h"
#include "backend/envd/envd.h"

#include <string.h>

/* Deprecated, the same for all, and still required by the clients. */
static const char client_id[] = "6532622b";

const char *api_domain(const struct api *api, struct exchange *x) {
    const char *host = exchange_header(x, "host");
    return host && strncmp(host, "api.", 4) == 0 ? host + 4 : api->domain;
}

static void set_text(json_t *object, const char *key, const char *text) {
    json_object_set_new(object, key, json_string(text));
}

static void set_time(json_t *object, const char *key, int64_t unix_ms) {
    char text[CLOCK_TEXT];
    set_text(object, key, clock_format(unix_ms, text));
}

static json_t *identity(const struct sandbox *sandbox) {
    json_t *object = json_object();
    set_text(object, "templateID", sandbox->template_id);
    set_text(object, "sandboxID", sandbox->id);
    set_text(object, "clientID", client_id);
    set_text(object, "envdVersion", ENVD_VERSION);
    if (sandbox->alias)
        set_text(object, "alias", sandbox->alias);
    return object;
}

static void add_access(json_t *object, const char *domain, const struct sandbox *sandbox) {
    if (sandbox->secure)
        set_text(object, "envdAccessToken", sandbox->access_token);
    if (*sandbox->traffic_token)
        set_text(object, "trafficAccessToken", sandbox->traffic_token);
    set_text(object, "domain", domain);
}

json_t *sandbox_json_created(const char *domain, const struct sandbox *sandbox) {
    json_t *object = identity(sandbox);
    add_access(object, domain, sandbox);
    return object;
}

static json_t *mounts_of(const struct sandbox *sandbox) {
    json_t *all = json_array();
    for (size_t i = 0; i < sandbox->mounts.count; i++) {
        struct error ignored = ERROR_INIT;
        const struct volume *volume =
            volume_find(sandbox->core, sandbox->mounts.at[2 * i + 1], &ignored);
        if (volume)
            json_array_append_new(all, json_pack("{s:s, s:s}", "name", volume->name, "path",
                                                 sandbox->mounts.at[2 * i]));
    }
    return all;
}

json_t *sandbox_json_listed(const struct sandbox *sandbox) {
    json_t *object = identity(sandbox);
    set_time(object, "startedAt", sandbox->started_ms);
    set_time(object, "endAt",
             sandbox->paused ? sandbox->paused_ms : steady_shown_ms(sandbox->end_ms));
    json_object_set_new(object, "cpuCount", json_integer(sandbox->limits.cpus));
    json_object_set_new(object, "memoryMB",
                        json_integer((json_int_t)(sandbox->limits.memory_bytes >> 20)));
    json_object_set_new(object, "diskSizeMB",
                        json_integer((json_int_t)(sandbox->limits.disk_bytes >> 20)));
    set_text(object, "state", sandbox->paused ? "paused" : "running");
    json_object_set_new(object, "metadata", pairs_to_json(&sandbox->metadata));
    json_object_set_new(object, "volumeMounts", mounts_of(sandbox));
    return object;
}

/* Almost all sandboxes have the same, and making it anew is a third of the work of an answer. */
static json_t *limits_of(const struct sandbox *sandbox) {
    static struct plan_limits last;
    static json_t *printed;
    if (!printed || memcmp(&last, &sandbox->limits, sizeof(last)) != 0) {
        json_decref(printed);
        memcpy(&last, &sandbox->limits, sizeof(last)); /* with what is between the members */
        printed = limits_json(sandbox_runtime_facts(sandbox->core), &sandbox->limits);
    }
    return json_incref(printed);
}

/* What only this backend has to say. */
static json_t *local_facts(const struct sandbox *sandbox) {
    static const char *const kept[] = {[PAUSED_NOT] = NULL,
                                       [PAUSED_IN_MEMORY] = "memory",
                                       [PAUSED_ON_DISK] = "files",
                                       [PAUSED_LOST] = "files, for its memory was lost"};
    struct error why = ERROR_INIT;
    json_t *object = json_object();
    json_object_set_new(object, "limits", limits_of(sandbox));
    if (!sandbox_runs(sandbox, &why))
        set_text(object, "frozenReason", why.message);
    if (kept[sandbox->paused])
        set_text(object, "kept", kept[sandbox->paused]);
    return object;
}

json_t *sandbox_json_detail(const char *domain, const struct sandbox *sandbox) {
    json_t *object = sandbox_json_listed(sandbox);
    add_access(object, domain, sandbox);
    json_object_set_new(object, "allowInternetAccess", json_boolean(sandbox->network.internet));
    json_object_set_new(object, "network", network_request_print(&sandbox->network));
    json_object_set_new(object, "lifecycle",
                        json_pack("{s:s, s:b}", "onTimeout",
                                  sandbox->lifecycle.pauses ? "pause" : "kill", "autoResume",
                                  sandbox->lifecycle.auto_resume));
    json_object_set_new(object, "local", local_facts(sandbox));
    return object;
}

struct sandbox *api_known_sandbox(struct call *call) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct sandbox *sandbox = sandbox_lookup(api->core, call->params[0], &err);
    if (sandbox)
        return sandbox;
    if (err.kind == ERR_CONFLICT)
        error_set(&err, ERR_NOT_FOUND,
                  "Sandbox \"%.64s\" doesn't exist or you don't have access to it",
                  call->params[0]);
    exchange_reply_error(call->x, &err);
    return NULL;
}

struct sandbox *api_sandbox(struct call *call, bool conflict) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    if (!conflict && !api_known_sandbox(call))
        return NULL;
    struct sandbox *sandbox = sandbox_find(api->core, call->params[0], &err);
    if (!sandbox)
        exchange_reply_error(call->x, &err);
    return sandbox;
}
