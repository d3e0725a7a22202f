/* SPDX-License-Identifier: Apache-2.0
 *
 * Volumes: directories that outlive the sandboxes in which they are mounted. One that is mounted in
 * a sandbox which is not ended, also a paused one, cannot be deleted.
 */
#ifndef E2B_CORE_VOLUMES_H
#define E2B_CORE_VOLUMES_H

#include "backend/core/files.h"
#include "backend/core/sandbox.h"

enum { VOLUME_NAME = 128, VOLUMES_MAX = 1000, VOLUME_TOKEN = 65 };

struct volume {
    char id[ID_UUID];
    char name[VOLUME_NAME + 1];
    int64_t created_ms;
    struct volume *next;
};

const struct volume *volumes_list(const struct core *core); /* oldest first */
/* ERR_INVALID for what is no UUID, ERR_NOT_FOUND. */
const struct volume *volume_find(const struct core *core, const char *id, struct error *err);
const struct volume *volume_create(struct core *core, const char *name, struct error *err);
bool volume_delete(struct core *core, const char *id, struct error *err);
/* What opens its files; the same as long as it exists. */
bool volume_token(const struct core *core, const struct volume *volume,
                  char token[static VOLUME_TOKEN], struct error *err);

/* What a request calls by name (path to name), as the sandbox keeps it (path to id). */
bool volumes_resolve(const struct core *core, const struct pairs *names, struct pairs *mounts,
                     struct error *err);

/* The other way round; false: no memory. */
bool volumes_names(const struct core *core, const struct pairs *mounts, struct pairs *names);

/* As files_ask, on the volume's files: HELPER_FILE_OPEN_READ, STAT, LIST, HELPER_VOLUME_*. */
struct files_query *volume_ask(struct core *core, const struct volume *volume,
                               const struct files_request *request, struct error *err);

#endif
