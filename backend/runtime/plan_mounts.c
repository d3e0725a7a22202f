/* SPDX-License-Identifier: Apache-2.0
 *
 * Where in a sandbox a volume may appear.
 */
#include "backend/runtime/plan.h"

#include <string.h>

/* Absolute, without "//", "." and "..", and no slash at the end. */
static bool is_clean(const char *path) {
    if (*path != '/')
        return false;
    while (*path) {
        size_t len = strcspn(++path, "/");
        if (len == 0 || (len == 1 && path[0] == '.') || (len == 2 && memcmp(path, "..", 2) == 0))
            return false;
        path += len;
    }
    return true;
}

/* What the kernel shows there is not to be hidden or replaced. */
static bool is_kernels(const char *path) {
    static const char *const taken[] = {"/proc", "/sys", "/dev"};
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        size_t len = strlen(taken[i]);
        if (strncmp(path, taken[i], len) == 0 && (path[len] == '/' || !path[len]))
            return true;
    }
    return false;
}

bool plan_check_mount(const char *target, struct error *err) {
    if (strlen(target) >= AGENT_MOUNT)
        return error_set(err, ERR_INVALID, "a volume's path has at most %d bytes", AGENT_MOUNT - 1);
    if (!is_clean(target))
        return error_set(err, ERR_INVALID,
                         "the volume's path '%s' is not absolute, or not in its shortest form",
                         target);
    return !is_kernels(target) ||
           error_set(err, ERR_INVALID, "no volume can be mounted at '%s'", target);
}

bool plan_check_mounts(const struct plan_mounts *mounts, struct error *err) {
    if (mounts->count > ZYGOTE_MAX_MOUNTS)
        return error_set(err, ERR_INVALID, "a sandbox can have at most %d volumes",
                         ZYGOTE_MAX_MOUNTS);
    for (size_t i = 0; i < mounts->count; i++) {
        const char *target = plan_mount_target(mounts, i), *volume = plan_mount_volume(mounts, i);
        if (!plan_check_mount(target, err))
            return false;
        if (strchr(volume, '/') || volume[0] == '.')
            return error_set(err, ERR_INVALID, "'%s' is no volume", volume);
    }
    return true;
}
