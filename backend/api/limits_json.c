/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/api/limits_json.h"

static json_t *describe(const struct runtime_mechanism *how) {
    return json_pack("{s:s?, s:s?}", "mechanism", how->mechanism, "why", how->why);
}

json_t *limits_json(const struct runtime_facts *facts, const struct plan_limits *limits) {
    const struct plan_limits of = limits ? *limits : (struct plan_limits){0};
    const struct {
        const char *name, *unit; /* no unit: it limits nothing */
        const struct runtime_mechanism *how;
        uint64_t limit;
    } rows[] = {
        {"memory", "bytes", &facts->memory, of.memory_bytes},
        {"processes", "processes", &facts->processes, of.processes},
        {"files", "open files", &facts->files, of.files},
        {"disk", "bytes", &facts->disk, of.disk_bytes},
        {"cpu", "processors", &facts->cpu, of.cpus},
        {"freeze", NULL, &facts->freeze, 0},
        {"network", NULL, &facts->network, 0},
    };
    json_t *all = json_object();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (limits && !rows[i].unit)
            continue;
        json_t *row = describe(rows[i].how);
        if (limits) {
            const bool kept = rows[i].how->mechanism != NULL;
            json_object_set_new(row, "limit",
                                kept ? json_integer((json_int_t)rows[i].limit) : json_null());
            json_object_set_new(row, "unit", json_string(rows[i].unit));
        }
        json_object_set_new(all, rows[i].name, row);
    }
    return all;
}
