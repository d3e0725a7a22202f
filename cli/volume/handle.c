/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/resource.h"
#include "cli/volume/volume.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void volume_handle_free(struct volume_handle *handle) {
    json_decref(handle->json);
    *handle = (struct volume_handle){0};
}

char *volume_id(struct client *client, const char *name, struct error *err) {
    cleanup_json json_t *all = resource_list(client, VOLUMES_PATH, err);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const char *here = NULL, *id = NULL;
        if (json_unpack(json_array_get(all, i), "{s:s, s:s}", "name", &here, "volumeID", &id) ==
                0 &&
            (strcmp(here, name) == 0 || strcmp(id, name) == 0))
            return strdup(id);
    }
    if (all) {
        error_set(err, ERR_NOT_FOUND, "there is no volume %s", name);
        error_hint(err, "`e2b volume list` shows which there are");
    }
    return NULL;
}

bool volume_handle_get(struct client *client, const char *name, struct volume_handle *handle,
                       struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_free char *id = volume_id(client, name, err);
    if (!id || !resource_call(client, "GET", VOLUMES_PATH, id, "", NULL, &response, err))
        return false;
    *handle = (struct volume_handle){.json = steal_ptr(&response.json)};
    if (json_unpack(handle->json, "{s:s, s:s}", "volumeID", &handle->id, "token", &handle->token) ==
        0)
        return true;
    volume_handle_free(handle);
    return error_set(err, ERR_INTERNAL, "the server's answer is no volume");
}

bool volume_call(struct client *client, const struct volume_handle *handle,
                 const struct volume_call *call, struct response *response, struct error *err) {
    cleanup_free char *encoded = client_encode(call->path);
    cleanup_free char *path = NULL;
    if (!encoded || asprintf(&path, "/volumecontent/%s/%s?path=%s%s", handle->id, call->what,
                             encoded, call->more) < 0) {
        path = NULL;
        return error_errno(err, ENOMEM, "cannot ask for %s", call->path);
    }
    const struct bytes_call bytes = {
        .method = call->method,
        .base = getenv("E2B_VOLUME_API_URL"),
        .path = path,
        .token = handle->token,
        .body = call->body,
        .body_len = call->body_len,
        .sink = call->sink,
    };
    return client_bytes(client, &bytes, response, err);
}
