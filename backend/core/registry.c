/* SPDX-License-Identifier: Apache-2.0
 *
 * All sandboxes: an index by id, and a list by time of start, newest first, ties by id upwards.
 */
#include "backend/core/core.h"

#include <string.h>

static struct sandbox **bucket_of(const struct core *core, const char *id) {
    uint32_t hash = 2166136261U;
    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619U;
    return (struct sandbox **)(uintptr_t)&core->buckets[hash % CORE_BUCKETS];
}

static bool is_newer(const struct sandbox *a, const struct sandbox *b) {
    if (a->started_ms != b->started_ms)
        return a->started_ms > b->started_ms;
    return strcmp(a->id, b->id) < 0;
}

void registry_add(struct core *core, struct sandbox *sandbox) {
    struct sandbox **bucket = bucket_of(core, sandbox->id);
    sandbox->collision = *bucket;
    *bucket = sandbox;
    struct sandbox **at = &core->newest, *newer = NULL;
    while (*at && is_newer(*at, sandbox)) {
        newer = *at;
        at = &newer->older;
    }
    sandbox->newer = newer;
    sandbox->older = *at;
    if (*at)
        (*at)->newer = sandbox;
    *at = sandbox;
    core->count++;
}

void registry_remove(struct core *core, struct sandbox *sandbox) {
    struct sandbox **at = bucket_of(core, sandbox->id);
    while (*at != sandbox)
        at = &(*at)->collision;
    *at = sandbox->collision;
    if (sandbox->older)
        sandbox->older->newer = sandbox->newer;
    if (sandbox->newer)
        sandbox->newer->older = sandbox->older;
    else
        core->newest = sandbox->older;
    core->count--;
}

struct sandbox *registry_get(const struct core *core, const char *id) {
    struct sandbox *at = *bucket_of(core, id);
    while (at && strcmp(at->id, id) != 0)
        at = at->collision;
    return at;
}

static struct sandbox *skip(struct sandbox *sandbox, bool (*is_wanted)(const struct sandbox *)) {
    while (sandbox && !is_wanted(sandbox))
        sandbox = sandbox->older;
    return sandbox;
}

struct sandbox *sandbox_first(struct core *core) {
    return skip(core->newest, sandbox_is_running);
}

struct sandbox *sandbox_older(const struct sandbox *sandbox) {
    return skip(sandbox->older, sandbox_is_running);
}

struct sandbox *sandbox_first_known(struct core *core) {
    return skip(core->newest, sandbox_is_known);
}

struct sandbox *sandbox_older_known(const struct sandbox *sandbox) {
    return skip(sandbox->older, sandbox_is_known);
}

unsigned sandbox_count(const struct core *core) {
    return core->count;
}

unsigned sandbox_count_alive(const struct core *core) {
    return core->count - core->paused;
}
