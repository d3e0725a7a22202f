/* SPDX-License-Identifier: Apache-2.0
 *
 * A running sandbox: found by its name, given more time, looked at.
 */
#include "backend/core/core.h"
#include "backend/store/sandboxes.h"

#include <stdio.h>
#include <string.h>

/* The part before '-' of "<id>-<client>". */
static bool copy_id(char id[static ID_SANDBOX], const char *text) {
    size_t len = strcspn(text, "-");
    const char *client = text + len + (text[len] != '\0');
    if (!len || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") != len ||
        client[strspn(client, "abcdefghijklmnopqrstuvwxyz0123456789")] != '\0')
        return false;
    snprintf(id, ID_SANDBOX, "%.*s", (int)MIN(len, (size_t)ID_SANDBOX - 1), text);
    /* A longer one is no id of ours, but not malformed either: it is not found. */
    if (len >= ID_SANDBOX)
        id[0] = '\0';
    return true;
}

struct sandbox *sandbox_find(struct core *core, const char *text, struct error *err) {
    char id[ID_SANDBOX];
    if (!copy_id(id, text)) {
        error_set(err, ERR_INVALID, "Invalid sandbox ID");
        return NULL;
    }
    struct sandbox *sandbox = registry_get(core, id);
    if (sandbox && sandbox->state == SANDBOX_RUNNING)
        return sandbox;
    if (sandbox && sandbox->state == SANDBOX_ENDING)
        error_set(err, ERR_CONFLICT, "Sandbox \"%s\" is being killed", sandbox->id);
    else
        error_set(err, ERR_NOT_FOUND,
                  "Sandbox \"%.64s\" doesn't exist or you don't have access to it", text);
    return NULL;
}

bool sandbox_set_timeout(struct sandbox *sandbox, int64_t timeout_s, bool extend_only,
                         struct error *err) {
    int64_t most = sandbox->core->config.max_timeout_s;
    int64_t end_ms = clock_now_ms() + MIN(MAX(timeout_s, 0), most) * 1000;
    if (extend_only && end_ms <= sandbox->end_ms)
        return true;
    if (!store_sandbox_set_end(sandbox->core->config.store, sandbox->id, end_ms, err))
        return false;
    sandbox->end_ms = end_ms;
    guest_set_deadline(sandbox->guest, end_ms / 1000 + 1);
    timeouts_watch(sandbox->core, sandbox);
    return true;
}

const struct runtime_facts *sandbox_runtime_facts(const struct core *core) {
    return runtime_facts(core->config.runtime);
}

bool sandbox_usage(struct sandbox *sandbox, struct sandbox_usage *usage, struct error *err) {
    if (!guest_usage(sandbox->guest, &usage->guest, err))
        return false;
    int64_t now_us = clock_mono_us();
    int64_t since_us = sandbox->cpu_at_us ? now_us - sandbox->cpu_at_us
                                          : (clock_now_ms() - sandbox->started_ms) * 1000;
    int64_t used_us = usage->guest.cpu_us - sandbox->cpu_us;
    usage->cpu_percent = 100.0 * (double)MAX(used_us, 0) / (double)MAX(since_us, 1);
    sandbox->cpu_us = usage->guest.cpu_us;
    sandbox->cpu_at_us = now_us;
    return true;
}

bool sandbox_environment(const struct sandbox *sandbox, struct pairs *environment) {
    *environment = (struct pairs){NULL, 0};
    return pairs_put(environment, "E2B_SANDBOX", "true") &&
           pairs_put(environment, "E2B_SANDBOX_ID", sandbox->id) &&
           pairs_put(environment, "E2B_TEMPLATE_ID", sandbox->template_id) &&
           pairs_put(environment, "E2B_EVENTS_ADDRESS", sandbox->core->config.events_address) &&
           pairs_append(environment, &sandbox->env);
}
