/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written of a sandbox: each change of its state and the event that tells of it, in one
 * transaction, so neither is ever without the other.
 */
#include "backend/core/core.h"

#include <errno.h>
#include <string.h>

/* ---- events ---- */

static void set_time(json_t *object, const char *key, int64_t unix_ms) {
    char text[CLOCK_TEXT];
    json_object_set_new(object, key, json_string(clock_format(unix_ms, text)));
}

static json_t *data_of(const struct sandbox *sandbox) {
    json_t *data = json_object();
    if (sandbox->metadata.count)
        json_object_set_new(data, "sandbox_metadata", pairs_to_json(&sandbox->metadata));
    return data;
}

static void add_execution(json_t *data, const struct sandbox *sandbox) {
    json_t *execution = json_object();
    set_time(execution, "started_at", steady_shown_ms(sandbox->execution_ms));
    json_object_set_new(execution, "vcpu_count", json_integer(sandbox->limits.cpus));
    json_object_set_new(execution, "memory_mb",
                        json_integer((json_int_t)(sandbox->limits.memory_bytes >> 20)));
    json_object_set_new(execution, "execution_time",
                        json_integer(steady_now_ms() - sandbox->execution_ms));
    json_object_set_new(data, "execution", execution);
}

/* Steals `data`. */
static bool add_event(const struct sandbox *sandbox, enum event_type type, json_t *data,
                      struct error *err) {
    char id[ID_UUID];
    cleanup_json json_t *owned = data;
    cleanup_free char *text = json_object_size(owned) ? json_dumps(owned, JSON_COMPACT) : NULL;
    ids_uuid(id);
    const struct event_row row = {
        .id = id,
        .type = type,
        .sandbox_id = sandbox->id,
        .template_id = sandbox->template_id,
        .build_id = sandbox->build_id,
        .execution_id = sandbox->execution_id,
        .at_ms = clock_now_ms(),
        .data = text,
    };
    return store_event_insert(sandbox->core->config.store, &row, err);
}

static bool end(const struct sandbox *sandbox, bool ok, struct error *err) {
    struct store *store = sandbox->core->config.store;
    if (ok)
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

/* ---- changes ---- */

static bool insert(const struct sandbox *sandbox, struct error *err) {
    cleanup(pairs_free) struct pairs network;
    cleanup_json json_t *layers = overlays_print(&sandbox->overlays);
    cleanup_free char *overlays = json_dumps(layers, JSON_COMPACT);
    if (!overlays || !network_rules_to_pairs(&sandbox->network, &network))
        return error_errno(err, ENOMEM, "cannot record the sandbox");
    struct sandbox_row row = {
        .id = sandbox->id,
        .template_id = sandbox->template_id,
        .build_id = sandbox->build_id,
        .started_ms = sandbox->started_ms,
        .end_ms = sandbox->end_ms,
        .secure = sandbox->secure,
        .memory_bytes = sandbox->limits.memory_bytes,
        .disk_bytes = sandbox->limits.disk_bytes,
        .cpus = sandbox->limits.cpus,
        .processes = sandbox->limits.processes,
        .files = sandbox->limits.files,
        .metadata = sandbox->metadata,
        .env = sandbox->env,
        .network = network,
        .mounts = sandbox->mounts,
        .timeout_s = sandbox->timeout_s,
        .pauses = sandbox->lifecycle.pauses,
        .keeps_memory = sandbox->lifecycle.keeps_memory,
        .auto_resume = sandbox->lifecycle.auto_resume,
        .execution_id = sandbox->execution_id,
        .execution_ms = sandbox->execution_ms,
        .overlays = overlays,
    };
    return store_sandbox_insert(sandbox->core->config.store, &row, err);
}

bool record_created(struct sandbox *sandbox, enum event_type event, struct error *err) {
    return store_begin(sandbox->core->config.store, err) &&
           end(sandbox, insert(sandbox, err) && add_event(sandbox, event, data_of(sandbox), err),
               err);
}

bool record_end_time(struct sandbox *sandbox, int64_t end_ms, struct error *err) {
    struct store *store = sandbox->core->config.store;
    json_t *data = data_of(sandbox);
    set_time(data, "set_timeout", steady_shown_ms(end_ms));
    if (!store_begin(store, err)) {
        json_decref(data);
        return false;
    }
    return end(sandbox,
               add_event(sandbox, EVENT_UPDATED, data, err) &&
                   store_sandbox_set_end(store, sandbox->id, end_ms, err),
               err);
}

static json_t *strings(char *const *list, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

bool record_network(struct sandbox *sandbox, const struct network_rules *rules, struct error *err) {
    struct store *store = sandbox->core->config.store;
    cleanup(pairs_free) struct pairs network;
    if (!network_rules_to_pairs(rules, &network))
        return error_errno(err, ENOMEM, "cannot record the sandbox's network");
    if (!store_begin(store, err))
        return false;
    json_t *data = data_of(sandbox);
    json_object_set_new(data, "network_egress",
                        json_pack("{s:o, s:o, s:[]}", "allowed_cidrs",
                                  strings(rules->allow, rules->allow_count), "denied_cidrs",
                                  strings(rules->deny, rules->deny_count), "allowed_domains"));
    return end(sandbox,
               add_event(sandbox, EVENT_UPDATED, data, err) &&
                   store_sandbox_set_network(store, sandbox->id, &network, err),
               err);
}

bool record_paused(struct sandbox *sandbox, enum sandbox_paused paused, struct error *err) {
    struct store *store = sandbox->core->config.store;
    int64_t now = clock_now_ms();
    if (!store_begin(store, err))
        return false;
    json_t *data = data_of(sandbox);
    add_execution(data, sandbox);
    if (!end(sandbox,
             add_event(sandbox, EVENT_PAUSED, data, err) &&
                 store_sandbox_paused(store, sandbox->id, paused, now, err),
             err))
        return false;
    sandbox->paused = paused;
    sandbox->paused_ms = now;
    return true;
}

bool record_resumed(struct sandbox *sandbox, struct error *err) {
    struct store *store = sandbox->core->config.store;
    const struct sandbox_row row = {
        .id = sandbox->id,
        .execution_id = sandbox->execution_id,
        .execution_ms = sandbox->execution_ms,
        .end_ms = sandbox->end_ms,
        .pauses = sandbox->lifecycle.pauses,
    };
    if (!store_begin(store, err) || !end(sandbox,
                                         add_event(sandbox, EVENT_RESUMED, data_of(sandbox), err) &&
                                             store_sandbox_resumed(store, &row, err),
                                         err))
        return false;
    sandbox->paused = PAUSED_NOT;
    return true;
}

bool record_checkpoint(struct sandbox *sandbox, const struct template_row *template,
                       struct error *err) {
    struct store *store = sandbox->core->config.store;
    return store_begin(store, err) &&
           end(sandbox,
               add_event(sandbox, EVENT_CHECKPOINTED, data_of(sandbox), err) &&
                   (!template ||
                    (store_template_free_name(store, template->name, template->tag, err) &&
                     store_template_insert(store, template, err))),
               err);
}

static const char *kill_reason(const char *reason) {
    static const char *const known[] = {"request", "timeout"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(reason, known[i]) == 0)
            return known[i];
    return "unknown";
}

void record_killed(struct sandbox *sandbox, const char *reason) {
    json_t *data = data_of(sandbox);
    add_execution(data, sandbox);
    json_object_set_new(data, "kill_reason", json_string(kill_reason(reason)));
    ends_record(sandbox, reason, data);
}
