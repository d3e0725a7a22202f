/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/keep/keep.h"
#include "common/tree.h"

#include <errno.h>

/* What goes besides: it is no state, only what came of it. */
static const char *const rest[] = {"state.db-wal", "state.db-shm", "trash",
                                   "e2bd.log",     "e2bd.log.1",   NULL};

static bool remove_all(const struct keep *keep, const char *const *names, struct error *err) {
    bool ok = true;
    for (size_t i = 0; names[i]; i++)
        if (!tree_remove(keep->state, names[i]))
            ok = error_errno(err, errno, "cannot remove %s", names[i]);
    return ok;
}

bool keep_reset(const struct keep *keep, struct error *err) {
    bool kept = remove_all(keep, keep_names, err);
    return remove_all(keep, rest, err) && kept;
}
