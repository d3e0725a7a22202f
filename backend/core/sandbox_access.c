/* SPDX-License-Identifier: Apache-2.0
 *
 * A running sandbox: found by its name, given more time, looked at.
 */
#include "backend/core/core.h"
#include "backend/store/sandboxes.h"

#include <stdio.h>
#include <string.h>

const char *sandbox_read_id(const char *text, char id[static ID_SANDBOX], struct error *err) {
    size_t len = strcspn(text, "-");
    const char *client = text + len + (text[len] != '\0');
    if (!len || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") != len ||
        client[strspn(client, "abcdefghijklmnopqrstuvwxyz0123456789")] != '\0') {
        error_set(err, ERR_INVALID, "Invalid sandbox ID");
        return NULL;
    }
    if (len >= ID_SANDBOX)
        return text;
    snprintf(id, ID_SANDBOX, "%.*s", (int)len, text);
    return id;
}

static bool say_not_found(struct core *core, const char *id, struct error *err) {
    struct sandbox_tombstone tombstone;
    struct error ignored = ERROR_INIT;
    char time[CLOCK_TEXT];
    bool found = false;
    error_set(err, ERR_NOT_FOUND, "Sandbox \"%.64s\" doesn't exist or you don't have access to it",
              id);
    if (store_sandbox_tombstone(core->config.store, id, &tombstone, &found, &ignored) && found)
        error_set(err, ERR_NOT_FOUND,
                  "Sandbox \"%.64s\" doesn't exist or you don't have access to it: it ended at %s "
                  "(%s)",
                  id, clock_format(tombstone.ended_ms, time), tombstone.reason);
    return false;
}

struct sandbox *sandbox_lookup(struct core *core, const char *text, struct error *err) {
    char own[ID_SANDBOX];
    const char *id = sandbox_read_id(text, own, err);
    struct sandbox *sandbox = id ? registry_get(core, id) : NULL;
    if (sandbox && sandbox->doom) {
        error_set(err, ERR_CONFLICT, "Sandbox \"%s\" is being killed", sandbox->id);
        return NULL;
    }
    if (sandbox && sandbox->state != SANDBOX_STARTING)
        return sandbox;
    if (id)
        say_not_found(core, id, err);
    return NULL;
}

struct sandbox *sandbox_find(struct core *core, const char *id, struct error *err) {
    struct sandbox *sandbox = sandbox_lookup(core, id, err);
    if (!sandbox || sandbox_is_running(sandbox))
        return sandbox;
    error_set(err, ERR_CONFLICT, "Sandbox \"%s\" is not running: it is paused", sandbox->id);
    error_hint(err, "resume it first");
    return NULL;
}

bool sandbox_set_timeout(struct sandbox *sandbox, int64_t timeout_s, bool extend_only,
                         struct error *err) {
    int64_t most = sandbox->core->config.max_timeout_s;
    int64_t end_ms = steady_now_ms() + MIN(MAX(timeout_s, 0), most) * 1000;
    if (extend_only && end_ms <= sandbox->end_ms)
        return true;
    if (!record_end_time(sandbox, end_ms, err))
        return false;
    sandbox->end_ms = end_ms;
    sandbox_begin(sandbox);
    return true;
}

bool sandbox_runs(const struct sandbox *sandbox, struct error *err) {
    return !sandbox->guest || guest_runs(sandbox->guest, err);
}

const struct runtime_facts *sandbox_runtime_facts(const struct core *core) {
    return runtime_facts(core->config.runtime);
}

bool sandbox_usage_since(struct sandbox *sandbox, struct cpu_mark *mark,
                         struct sandbox_usage *usage, struct error *err) {
    if (!sandbox->guest)
        return error_set(err, ERR_GONE, "nothing of the sandbox runs");
    if (!guest_usage(sandbox->guest, &usage->guest, err))
        return false;
    const struct cpu_mark now = {.us = usage->guest.cpu_us, .at_us = clock_mono_us()};
    /* The first look is at all since its creation; the wall clock may have been set since. */
    int64_t age_ms =
        MAX(clock_now_ms() - sandbox->started_ms, steady_now_ms() - sandbox->execution_ms);
    int64_t since_us = mark->at_us ? now.at_us - mark->at_us : age_ms * 1000;
    /* Less than before: it counts from nothing again, since it was resumed without its memory. */
    int64_t used_us = now.us < mark->us ? now.us : now.us - mark->us;
    double had_us = (double)MAX(since_us, 1) * (double)MAX(usage->guest.cpus, 1);
    usage->cpu_percent = (double)(int64_t)(1e4 * (double)used_us / had_us + 0.5) / 100;
    *mark = now;
    return true;
}

bool sandbox_usage(struct sandbox *sandbox, struct sandbox_usage *usage, struct error *err) {
    return sandbox_usage_since(sandbox, &sandbox->asked, usage, err);
}

bool sandbox_is_remembered(struct core *core, const char *id, struct error *err) {
    bool found = registry_get(core, id) != NULL;
    if (!found && !store_sandbox_exists(core->config.store, id, &found, err))
        return false;
    return found || say_not_found(core, id, err);
}

bool sandbox_environment(const struct sandbox *sandbox, struct pairs *environment) {
    *environment = (struct pairs){NULL, 0};
    return pairs_put(environment, "E2B_SANDBOX", "true") &&
           pairs_put(environment, "E2B_SANDBOX_ID", sandbox->id) &&
           pairs_put(environment, "E2B_TEMPLATE_ID", sandbox->template_id) &&
           pairs_put(environment, "E2B_EVENTS_ADDRESS", sandbox->core->config.events_address) &&
           pairs_append(environment, &sandbox->env);
}
