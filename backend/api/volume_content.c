/* SPDX-License-Identifier: Apache-2.0
 *
 * The directories of a volume, and what is known of its files: each call is one question to a
 * helper that has shut itself up in the volume.
 */
#include "backend/api/volume_http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct asking {
    struct exchange *x;
    struct files_query *query;
    json_t *list; /* NULL: one entry, or nothing, is the answer */
    int status;   /* of the answer; 204: without a body */
};

static void asking_free(struct asking *asking) {
    if (asking->query)
        files_cancel(asking->query);
    json_decref(asking->list);
    free(asking);
}

static void on_closed(void *ctx, bool broken) {
    (void)broken;
    asking_free(ctx);
}

static void on_entry(void *ctx, const struct file_info *info) {
    const struct asking *asking = ctx;
    if (asking->list)
        json_array_append_new(asking->list, volume_entry(info));
}

static void on_done(void *ctx, const struct files_result *result) {
    struct asking *asking = ctx;
    int fd = result->fd; /* none was asked for */
    close_fd(&fd);
    asking->query = NULL;
    if (result->failure)
        volume_reply_failure(asking->x, result);
    else if (asking->status == 204)
        exchange_reply_empty(asking->x, 204);
    else if (asking->list)
        exchange_reply_json(asking->x, asking->status, json_incref(asking->list));
    else if (result->info)
        exchange_reply_json(asking->x, asking->status, volume_entry(result->info));
    else
        volume_reply_error(asking->x, 500, "no answer from the volume");
}

static void ask(struct call *call, const struct volume *volume, enum helper_op op,
                const char *const *args, int status) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    struct asking *asking = calloc(1, sizeof(*asking));
    const struct files_request request = {
        .op = op, .args = args, .each = on_entry, .done = on_done, .ctx = asking};
    if (!asking) {
        volume_reply_error(call->x, 500, "out of memory");
        return;
    }
    asking->x = call->x;
    asking->status = status;
    asking->list = op == HELPER_FILE_LIST ? json_array() : NULL;
    asking->query = volume_ask(api->core, volume, &request, &err);
    if (asking->query) {
        exchange_set_events(call->x, &(struct exchange_events){.closed = on_closed}, asking);
    } else {
        asking_free(asking);
        volume_refuse(call->x, &err);
    }
}

static void get_path(struct call *call) {
    const char *path;
    const struct volume *volume = volume_open(call, &path);
    if (volume)
        ask(call, volume, HELPER_FILE_STAT, (const char *const[]){path, NULL}, 200);
}

static void change_path(struct call *call) {
    const char *path;
    struct volume_attributes a;
    const struct volume *volume = volume_open(call, &path);
    if (volume && volume_attributes_read(call->x, call->json, &a))
        ask(call, volume, HELPER_VOLUME_CHANGE,
            (const char *const[]){path, a.uid, a.gid, a.mode, NULL}, 200);
}

static void delete_path(struct call *call) {
    const char *path;
    const struct volume *volume = volume_open(call, &path);
    if (volume)
        ask(call, volume, HELPER_VOLUME_REMOVE, (const char *const[]){path, NULL}, 204);
}

static void list_dir(struct call *call) {
    struct error err = ERROR_INIT;
    const char *path;
    uint64_t number;
    char text[12];
    const struct volume *volume = volume_open(call, &path);
    if (!volume)
        return;
    const char *depth = exchange_param(call->x, "depth", 0, &err);
    if (!depth)
        depth = "1";
    if (err.kind != ERR_NONE || !slice_number((struct slice){depth, strlen(depth)}, &number) ||
        number < 1 || number > FILES_MAX_DEPTH) {
        volume_reply_error(call->x, 400, "depth must be between 1 and %d", FILES_MAX_DEPTH);
        return;
    }
    snprintf(text, sizeof(text), "%u", (unsigned)number);
    ask(call, volume, HELPER_FILE_LIST, (const char *const[]){path, text, NULL}, 200);
}

static void make_dir(struct call *call) {
    const char *path;
    struct volume_attributes a;
    const struct volume *volume = volume_open(call, &path);
    if (volume && volume_attributes_read(call->x, NULL, &a))
        ask(call, volume, HELPER_VOLUME_MAKE_DIR,
            (const char *const[]){path, a.uid, a.gid, a.mode, volume_force(call->x), NULL}, 201);
}

const struct route api_volume_content_routes[] = {
    {"GET", "/volumecontent/{id}/path", ROUTE_OPEN, get_path},
    {"PATCH", "/volumecontent/{id}/path", ROUTE_OPEN | ROUTE_JSON, change_path},
    {"DELETE", "/volumecontent/{id}/path", ROUTE_OPEN, delete_path},
    {"GET", "/volumecontent/{id}/dir", ROUTE_OPEN, list_dir},
    {"POST", "/volumecontent/{id}/dir", ROUTE_OPEN, make_dir},
    {0},
};
