/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a state directory is state, and whose it is.
 */
#include "backend/keep/keep.h"

#include <string.h>

const char *const keep_names[] = {"state.db", "api-key",   "port", "secret-key", "base", "layers",
                                  "volumes",  "sandboxes", "logs", "uploads",    NULL};

bool keep_holds(const char *path) {
    size_t len = strcspn(path, "/");
    for (size_t i = 0; keep_names[i]; i++)
        if (strlen(keep_names[i]) == len && strncmp(keep_names[i], path, len) == 0)
            return true;
    return false;
}

/* base/KEY and everything below, NAME/rw and everything below. */
bool keep_is_inside(const char *path) {
    const char *second = strchr(path, '/');
    if (!second)
        return false;
    if (strncmp(path, "base/", 5) == 0)
        return true;
    const char *third = strchr(second + 1, '/');
    return third && strncmp(third, "/rw", 3) == 0 && (third[3] == '/' || !third[3]);
}
