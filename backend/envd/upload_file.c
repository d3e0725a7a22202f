/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/entry.h"
#include "backend/envd/upload.h"

#include <string.h>

enum { MAX_FILES = 10000 }; /* of one upload */

/* A path is known by what the client called it, which can be told before the file is emptied, and
 * by what that was resolved to. */
static bool is_known(const struct upload *u, const char *path) {
    cleanup_json json_t *key = entry_text(path);
    return key && json_object_get(u->paths, json_string_value(key));
}

static void remember(struct upload *u, const char *path) {
    cleanup_json json_t *key = entry_text(path);
    if (key)
        json_object_set_new(u->paths, json_string_value(key), json_true());
}

static void refuse_repeated(struct upload *u, const char *path) {
    cleanup_buf struct buf others = BUF_INIT(700);
    size_t i;
    json_t *entry;
    json_array_foreach(u->written, i, entry) {
        const char *other = json_string_value(json_object_get(entry, "path"));
        if (strcmp(other, path) != 0 && !buf_printf(&others, "%s%s", others.len ? ", " : "", other))
            break; /* enough of them were named */
    }
    upload_fail(u, 400,
                "you cannot upload multiple files to the same path '%s' in one upload request, "
                "only the first specified file was uploaded%s%s",
                path, others.len ? ", also the following files were uploaded: " : "",
                others.len ? others.data : "");
}

static void room(void *ctx) {
    upload_go_on(ctx);
}

static void file_finished(void *ctx, int error) {
    struct upload *u = ctx;
    u->writer = NULL;
    if (error) {
        upload_fail_errno(u, error);
        return;
    }
    char pairs[sizeof(u->metadata.text)], *to = pairs;
    for (size_t i = 0; i < u->metadata.count; i++)
        to = stpcpy(to, u->metadata.pairs[i]) + 1;
    json_array_append_new(u->written, entry_written(u->opened, pairs, (size_t)(to - pairs)));
    u->state = BETWEEN;
    upload_go_on(u);
}

static void file_opened(void *ctx, const struct files_result *r) {
    static const struct file_writer_events events = {.room = room, .finished = file_finished};
    struct upload *u = ctx;
    u->query = NULL;
    if (r->failure) {
        upload_fail_result(u, r);
        return;
    }
    int fd = r->fd;
    if (is_known(u, r->path)) {
        close_fd(&fd);
        refuse_repeated(u, r->path);
        return;
    }
    remember(u, r->path);
    remember(u, u->asked);
    free(u->opened);
    u->opened = strdup(r->path);
    if (fd >= 0)
        u->writer = file_writer_open(core_loop(u->core), fd, &events, u);
    if (!u->opened || !u->writer) {
        upload_fail(u, 500, "the file could not be opened");
        return;
    }
    u->state = WRITING;
    upload_go_on(u);
}

void upload_open_file(struct upload *u, const char *path) {
    struct error err = ERROR_INIT;
    const char *args[1 + ARRAY_LEN(u->metadata.pairs) + 1] = {NULL};
    struct sandbox *sandbox = sandbox_find(u->core, u->sandbox_id, &err);
    if (strlen(path) >= FILES_PATH) {
        upload_fail(u, 400, "the path is too long");
        return;
    }
    if (json_array_size(u->written) >= MAX_FILES) {
        upload_fail(u, 400, "more than %d files in one upload", MAX_FILES);
        return;
    }
    if (is_known(u, path)) {
        refuse_repeated(u, path);
        return;
    }
    free(u->asked);
    u->asked = strdup(path);
    if (!sandbox || !u->asked) {
        error_set(&err, ERR_GONE, "the sandbox ended during the upload");
    } else {
        args[0] = files_path(sandbox, path);
        memcpy(args + 1, u->metadata.pairs, u->metadata.count * sizeof(*args));
        const struct files_request request = {.op = HELPER_FILE_OPEN_WRITE,
                                              .user = u->user,
                                              .args = args,
                                              .done = file_opened,
                                              .ctx = u};
        u->query = files_ask(sandbox, &request, &err);
    }
    if (u->query) {
        u->state = OPENING;
        return;
    }
    upload_fail_error(u, &err);
}

void upload_end_file(struct upload *u) {
    u->state = FINISHING;
    file_writer_finish(u->writer);
}
