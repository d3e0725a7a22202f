/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands below `e2b volume`, and a volume as they hold it: named by its id or its name, with
 * the token that opens its files.
 */
#ifndef E2B_CLI_VOLUME_VOLUME_H
#define E2B_CLI_VOLUME_VOLUME_H

#include "cli/command.h"
#include "client/bytes.h"

#define VOLUMES_PATH "/volumes"

extern const struct command command_volume_ls;
extern const struct command command_volume_cat;
extern const struct command command_volume_cp;
extern const struct command command_volume_rm;

struct volume_handle {
    json_t *json; /* VolumeAndToken */
    const char *id, *token;
};
void volume_handle_free(struct volume_handle *handle);
#define cleanup_volume cleanup(volume_handle_free)

/* The id of a volume that was given by id or name (the caller's), or NULL. */
char *volume_id(struct client *client, const char *name, struct error *err);
bool volume_handle_get(struct client *client, const char *name, struct volume_handle *handle,
                       struct error *err);
/* A call on its files: `what` is "path", "dir" or "file"; `more` (may be "") follows the path in
 * the query. */
struct volume_call {
    const char *method, *what, *path, *more;
    const void *body;
    size_t body_len;
    int sink;
};
bool volume_call(struct client *client, const struct volume_handle *handle,
                 const struct volume_call *call, struct response *response, struct error *err);

#endif
