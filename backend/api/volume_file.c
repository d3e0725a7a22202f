/* SPDX-License-Identifier: Apache-2.0
 *
 * The content of a file in a volume: down by sendfile, up piece by piece at the disk's speed.
 */
#include "backend/api/volume_http.h"
#include "backend/core/file_writer.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct transfer {
    struct exchange *x;
    struct core *core;
    char volume[ID_UUID];
    const char *path; /* valid like x */
    struct files_query *query;
    struct file_writer *writer;
    bool body_over, failed;
};

static void transfer_end(void *ctx, bool broken) {
    struct transfer *t = ctx;
    (void)broken;
    if (t->query)
        files_cancel(t->query);
    if (t->writer)
        file_writer_abandon(t->writer);
    free(t);
}

static void fail(struct transfer *t, const struct files_result *result) {
    t->failed = true;
    volume_reply_failure(t->x, result);
}

static void fail_errno(struct transfer *t, int error) {
    fail(t, &(struct files_result){
                .failure = FILES_SYSTEM, .error = error, .path = t->path, .fd = -1});
}

/* False: answered. */
static bool begin(struct call *call, struct transfer *t, const struct volume *volume,
                  const struct files_request *request) {
    const struct api *api = call->ctx;
    struct error err = ERROR_INIT;
    t->x = call->x;
    t->core = api->core;
    memcpy(t->volume, volume->id, sizeof(t->volume));
    t->query = volume_ask(api->core, volume, request, &err);
    if (t->query)
        return true;
    free(t);
    volume_refuse(call->x, &err);
    return false;
}

static struct transfer *new_transfer(struct call *call, const char *path) {
    struct transfer *t = calloc(1, sizeof(*t));
    if (t)
        t->path = path;
    else
        volume_reply_error(call->x, 500, "out of memory");
    return t;
}

/* ---- down ---- */

static void on_readable_file(void *ctx, const struct files_result *result) {
    struct transfer *t = ctx;
    struct stat st;
    t->query = NULL;
    if (result->failure) {
        fail(t, result);
    } else if (result->fd < 0 || fstat(result->fd, &st) < 0) {
        fail_errno(t, EIO);
    } else {
        exchange_begin(t->x, 200, "application/octet-stream", st.st_size);
        exchange_send_file(t->x, result->fd, 0, st.st_size);
    }
}

static void get_file(struct call *call) {
    const char *path;
    const struct volume *volume = volume_open(call, &path);
    struct transfer *t = volume ? new_transfer(call, path) : NULL;
    const char *const args[] = {path, NULL};
    const struct files_request request = {
        .op = HELPER_FILE_OPEN_READ, .args = args, .done = on_readable_file, .ctx = t};
    if (t && begin(call, t, volume, &request))
        exchange_set_events(call->x, &(struct exchange_events){.closed = transfer_end}, t);
}

/* ---- up ---- */

static void on_described(void *ctx, const struct files_result *result) {
    struct transfer *t = ctx;
    t->query = NULL;
    if (result->failure || !result->info)
        fail(t, result);
    else
        exchange_reply_json(t->x, 201, volume_entry(result->info));
}

/* All is written: what it is now like is asked anew. */
static void on_finished(void *ctx, int error) {
    struct transfer *t = ctx;
    struct error err = ERROR_INIT;
    const char *const args[] = {t->path, NULL};
    const struct files_request request = {
        .op = HELPER_FILE_STAT, .args = args, .done = on_described, .ctx = t};
    t->writer = NULL;
    if (error) {
        fail_errno(t, error);
        return;
    }
    const struct volume *volume = volume_find(t->core, t->volume, &err);
    t->query = volume ? volume_ask(t->core, volume, &request, &err) : NULL;
    if (!t->query)
        volume_refuse(t->x, &err);
}

static void finish_if_over(struct transfer *t) {
    if (t->body_over && t->writer && !t->failed)
        file_writer_finish(t->writer);
}

static void on_room(void *ctx) {
    struct transfer *t = ctx;
    exchange_read_more(t->x);
}

static void on_writable_file(void *ctx, const struct files_result *result) {
    static const struct file_writer_events events = {.room = on_room, .finished = on_finished};
    struct transfer *t = ctx;
    t->query = NULL;
    if (result->failure || result->fd < 0) {
        fail(t, result);
        return;
    }
    t->writer = file_writer_open(core_loop(t->core), result->fd, &events, t);
    if (!t->writer) {
        fail_errno(t, ENOMEM);
        return;
    }
    exchange_read_more(t->x);
    finish_if_over(t);
}

static size_t on_body(void *ctx, const void *bytes, size_t len) {
    struct transfer *t = ctx;
    if (t->failed)
        return len;
    if (!t->writer)
        return 0;
    int error = file_writer_error(t->writer);
    if (!error)
        return file_writer_put(t->writer, bytes, len);
    file_writer_abandon(steal_ptr(&t->writer));
    fail_errno(t, error);
    return len;
}

static void on_body_end(void *ctx) {
    struct transfer *t = ctx;
    t->body_over = true;
    finish_if_over(t);
}

static void put_file(struct call *call) {
    static const struct exchange_events events = {
        .body = on_body, .body_end = on_body_end, .closed = transfer_end};
    const char *path;
    struct volume_attributes a;
    const struct volume *volume = volume_open(call, &path);
    if (!volume || !volume_attributes_read(call->x, NULL, &a))
        return;
    struct transfer *t = new_transfer(call, path);
    const char *const args[] = {path, a.uid, a.gid, a.mode, volume_force(call->x), NULL};
    const struct files_request request = {
        .op = HELPER_VOLUME_OPEN_WRITE, .args = args, .done = on_writable_file, .ctx = t};
    if (t && begin(call, t, volume, &request))
        exchange_set_events(call->x, &events, t);
}

const struct route api_volume_file_routes[] = {
    {"GET", "/volumecontent/{id}/file", ROUTE_OPEN, get_file},
    {"PUT", "/volumecontent/{id}/file", ROUTE_OPEN | ROUTE_STREAM, put_file},
    {0},
};
