/* SPDX-License-Identifier: Apache-2.0
 *
 * See plan.h.
 */
#include "backend/runtime/plan.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

const struct plan_limits plan_default_limits = {
    .memory_bytes = (uint64_t)1 << 30,
    .processes = 1024,
    .files = 4096,
    .disk_bytes = (uint64_t)10 << 30,
    .cpus = 2,
};

/* Becomes a directory, a group and a host name. */
static bool check_id(const char *id) {
    size_t len = 0;
    for (; id[len]; len++)
        if (!isascii(id[len]) || !(islower(id[len]) || isdigit(id[len])))
            return false;
    return len > 0;
}

static bool check_overlay(const struct plan_overlay *overlay, const char *target,
                          struct error *err) {
    if (strcmp(overlay->target, target) != 0)
        return error_set(err, ERR_INVALID, "nothing can be mounted at '%s'", overlay->target);
    if (overlay->lower_count == 0)
        return error_set(err, ERR_INVALID, "%s has no layers", target);
    for (size_t i = 0; i < overlay->lower_count; i++)
        if (!*overlay->lowers[i] || strstr(overlay->lowers[i], ".."))
            return error_set(err, ERR_INVALID, "'%s' is no layer", overlay->lowers[i]);
    return true;
}

bool plan_check(const struct plan *plan, struct error *err) {
    static const char *const targets[ZYGOTE_MAX_OVERLAYS] = {"/", "/usr"};
    const struct plan_limits *limits = &plan->limits;
    size_t lowers = 0;
    if (!check_id(plan->id))
        return error_set(err, ERR_INVALID, "'%s' is no sandbox id", plan->id);
    if (plan->overlay_count < 1 || plan->overlay_count > ZYGOTE_MAX_OVERLAYS)
        return error_set(err, ERR_INVALID, "a sandbox needs a root file system");
    for (size_t i = 0; i < plan->overlay_count; i++) {
        if (!check_overlay(&plan->overlays[i], targets[i], err))
            return false;
        lowers += plan->overlays[i].lower_count;
    }
    if (!plan_check_mounts(&plan->mounts, err))
        return false;
    if (lowers > ZYGOTE_MAX_LAYERS)
        return error_set(err, ERR_LIMIT, "the template has more than %d layers", ZYGOTE_MAX_LAYERS);
    if (limits->memory_bytes < (uint64_t)16 << 20 || limits->processes < 8 || limits->files < 64 ||
        limits->disk_bytes < (uint64_t)1 << 20 || limits->cpus < 1)
        return error_set(err, ERR_INVALID, "the limits leave too little for a sandbox to run");
    return true;
}

/* NULL when memory is exhausted. */
static const char *const *copy_names(const char *const *names, size_t count) {
    const char **copy = calloc(count + 1, sizeof(*copy));
    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = strdup(names[i]);
        if (copy[i])
            continue;
        while (i--)
            free((void *)(uintptr_t)copy[i]);
        free(copy);
        return NULL;
    }
    return copy;
}

static void free_names(const char *const *names, size_t count) {
    for (size_t i = 0; names && i < count; i++)
        free((void *)(uintptr_t)names[i]);
    free((void *)(uintptr_t)names);
}

bool plan_copy(struct plan *to, const struct plan *from, struct error *err) {
    bool whole = true;
    *to = *from;
    for (size_t i = 0; i < to->overlay_count; i++) {
        struct plan_overlay *overlay = &to->overlays[i];
        overlay->lowers = copy_names(overlay->lowers, overlay->lower_count);
        whole &= overlay->lowers != NULL;
    }
    struct plan_network *network = &to->network;
    network->allow = copy_names(network->allow, network->allow_count);
    network->deny = copy_names(network->deny, network->deny_count);
    const char *const *mounts =
        copy_names((const char *const *)to->mounts.at, 2 * to->mounts.count);
    to->mounts.at = (char *const *)(uintptr_t)mounts;
    if (whole && network->allow && network->deny && mounts)
        return true;
    plan_free(to);
    return error_errno(err, ENOMEM, "cannot keep the plan");
}

void plan_free(struct plan *plan) {
    for (size_t i = 0; i < plan->overlay_count; i++)
        free_names(plan->overlays[i].lowers, plan->overlays[i].lower_count);
    free_names(plan->network.allow, plan->network.allow_count);
    free_names(plan->network.deny, plan->network.deny_count);
    free_names((const char *const *)plan->mounts.at, 2 * plan->mounts.count);
    *plan = (struct plan){.overlay_count = 0};
}
