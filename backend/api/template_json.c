/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/api/template_json.h"

#include "backend/api/time_json.h"
#include "backend/core/keys.h"
#include "backend/envd/envd.h"
#include "backend/runtime/plan.h"

#include <stdio.h>

static int disk_mb(void) {
    return (int)(plan_default_limits.disk_bytes >> 20);
}

const char *template_json_status(enum build_status status) {
    static const char *const names[] = {[BUILD_WAITING] = "waiting",
                                        [BUILD_BUILDING] = "building",
                                        [BUILD_READY] = "ready",
                                        [BUILD_FAILED] = "error"};
    return names[status];
}

json_t *template_json_names(const struct recipe *recipe) {
    char name[sizeof(CORE_TEAM_SLUG) + TEMPLATE_REFERENCE];
    snprintf(name, sizeof(name), CORE_TEAM_SLUG "/%s", recipe->name);
    return json_pack("[s]", name);
}

static void set_times(json_t *object, const struct recipe *recipe) {
    json_object_set_new(object, "createdAt", time_json(recipe->created_ms));
    json_object_set_new(object, "updatedAt", time_json(recipe->updated_ms));
    json_object_set_new(object, "lastSpawnedAt",
                        recipe->spawned_ms ? time_json(recipe->spawned_ms) : json_null());
    json_object_set_new(object, "spawnCount", json_integer((json_int_t)recipe->spawn_count));
}

/* As old as the key that was generated with the state. */
static int64_t age_of_base(const struct core *core) {
    const struct key *key = keys_list(core);
    while (key && !key->is_first)
        key = key->next;
    return key ? key->created_ms : 0;
}

json_t *template_json_base(const struct core *core) {
    const struct template *base = template_base();
    const int64_t made_ms = age_of_base(core);
    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:b, s:[s], s:[s], s:o, s:o, s:n, s:n, s:i, s:i,"
                     " s:s, s:s}",
                     "templateID", base->id, "buildID", base->build_id, "cpuCount",
                     (int)plan_default_limits.cpus, "memoryMB",
                     (int)(plan_default_limits.memory_bytes >> 20), "diskSizeMB", disk_mb(),
                     "public", 1, "aliases", base->alias, "names", base->alias, "createdAt",
                     time_json(made_ms), "updatedAt", time_json(made_ms), "createdBy",
                     "lastSpawnedAt", "spawnCount", 0, "buildCount", 1, "envdVersion", ENVD_VERSION,
                     "buildStatus", "ready");
}

json_t *template_json_listed(const struct recipe *recipe) {
    const struct build *newest = recipe->newest;
    int count = 0;
    for (const struct build *at = newest; at; at = at->older)
        count++;
    json_t *object = json_pack(
        "{s:s, s:s, s:I, s:I, s:i, s:b, s:[s], s:o, s:n, s:i, s:s, s:s}", "templateID", recipe->id,
        "buildID", newest->id, "cpuCount", (json_int_t)newest->cpus, "memoryMB",
        (json_int_t)newest->memory_mb, "diskSizeMB", disk_mb(), "public", recipe->is_public,
        "aliases", recipe->name, "names", template_json_names(recipe), "createdBy", "buildCount",
        count, "envdVersion", ENVD_VERSION, "buildStatus", template_json_status(newest->status));
    set_times(object, recipe);
    return object;
}

json_t *template_json_detail(const struct recipe *recipe) {
    json_t *object =
        json_pack("{s:s, s:b, s:[s], s:o}", "templateID", recipe->id, "public", recipe->is_public,
                  "aliases", recipe->name, "names", template_json_names(recipe));
    set_times(object, recipe);
    return object;
}

json_t *template_json_build(const struct build *build) {
    json_t *object = json_pack(
        "{s:s, s:s, s:o, s:o, s:I, s:I, s:i, s:s}", "buildID", build->id, "status",
        template_json_status(build->status), "createdAt", time_json(build->created_ms), "updatedAt",
        time_json(build->updated_ms), "cpuCount", (json_int_t)build->cpus, "memoryMB",
        (json_int_t)build->memory_mb, "diskSizeMB", disk_mb(), "envdVersion", ENVD_VERSION);
    if (build->finished_ms)
        json_object_set_new(object, "finishedAt", time_json(build->finished_ms));
    return object;
}
