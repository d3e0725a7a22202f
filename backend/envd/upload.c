/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /files. The body goes, as it arrives, through gunzip if it is compressed, through the
 * multipart parser if it is a form, and into the files, which helpers open one after the other.
 * Whatever has to wait (an open, a slow disk) stops the reading of the socket.
 *
 * There are no temporary files: a client that vanishes leaves what it sent.
 */
#include "backend/core/file_writer.h"
#include "backend/envd/disposition.h"
#include "backend/envd/entry.h"
#include "backend/envd/files_http.h"
#include "backend/envd/gunzip.h"
#include "backend/envd/multipart.h"
#include "backend/envd/upload_metadata.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    PIECE = 32 << 10, /* of the body, dealt with at once */
    /* What a piece can turn into at most: itself and a delimiter that was none. */
    PIECE_ROOM = PIECE + MULTIPART_MAX_BOUNDARY + 8,
    MAX_FILES = 10000, /* of one upload */
};

enum upload_state {
    BETWEEN,   /* no file is under way */
    SKIPPING,  /* a part that is no file */
    OPENING,   /* a helper opens the file */
    WRITING,   /* body goes into the writer */
    FINISHING, /* the last of the file is being written */
    ANSWERED,
};

struct upload {
    struct exchange *x;
    struct core *core;
    char sandbox_id[ID_SANDBOX];
    char user[USER_TEXT];
    const char *path; /* of the query; NULL: each part names its own */
    enum upload_state state;
    bool is_form, body_over, is_busy;
    struct gunzip *gunzip; /* NULL: the body is not compressed */
    struct multipart form;
    struct upload_metadata metadata;
    struct files_query *query;
    struct file_writer *writer;
    char *opened;    /* the path of the file that is being written */
    json_t *asked;   /* the paths of the files so far, as the client named them */
    json_t *written; /* what the answer tells of them */
};

static void upload_free(struct upload *u) {
    if (u->query)
        files_cancel(u->query);
    if (u->writer)
        file_writer_abandon(u->writer);
    if (u->is_form)
        multipart_free(&u->form);
    gunzip_free(u->gunzip);
    json_decref(u->written);
    json_decref(u->asked);
    free(u->opened);
    free(u);
}

static void closed(void *ctx, bool broken) {
    (void)broken;
    upload_free(ctx);
}

static void answered(struct upload *u) {
    u->state = ANSWERED;
    if (u->writer)
        file_writer_abandon(steal_ptr(&u->writer));
}

static void fail(struct upload *u, int status, const char *format, ...) printf_like(3, 4);
static void fail(struct upload *u, int status, const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    files_reply_error(u->x, status, "%s", text);
    answered(u);
}

static void fail_result(struct upload *u, const struct files_result *result) {
    static const struct files_text texts[] = {
        {FILES_DIRECTORY, 400, "path is a directory: ", ""},
        {FILES_OK, 0, NULL, NULL},
    };
    files_fail_http(u->x, texts, result, u->user);
    answered(u);
}

static void fail_errno(struct upload *u, int error) {
    fail_result(u, &(struct files_result){.failure = FILES_SYSTEM,
                                          .error = error,
                                          .path = u->opened ? u->opened : "",
                                          .fd = -1});
}

static void go_on(struct upload *u);

/* ---- one file ---- */

static bool is_repeated(struct upload *u, const char *path) {
    cleanup_buf struct buf others = BUF_INIT(700);
    bool repeated = false;
    size_t i;
    json_t *entry, *wanted = entry_text(path);
    json_array_foreach(u->written, i, entry) {
        json_t *other = json_object_get(entry, "path");
        bool same = json_equal(other, wanted) || json_equal(json_array_get(u->asked, i), wanted);
        repeated |= same;
        if (!same && !buf_printf(&others, "%s%s", others.len ? ", " : "", json_string_value(other)))
            break; /* enough of them were named */
    }
    json_decref(wanted);
    if (repeated)
        fail(u, 400,
             "you cannot upload multiple files to the same path '%s' in one upload request, only "
             "the first specified file was uploaded%s%s",
             path, others.len ? ", also the following files were uploaded: " : "",
             others.len ? others.data : "");
    return repeated;
}

static void room(void *ctx) {
    go_on(ctx);
}

static void file_finished(void *ctx, int error) {
    struct upload *u = ctx;
    u->writer = NULL;
    if (error) {
        fail_errno(u, error);
        return;
    }
    char pairs[sizeof(u->metadata.text)], *to = pairs;
    for (size_t i = 0; i < u->metadata.count; i++)
        to = stpcpy(to, u->metadata.pairs[i]) + 1;
    json_array_append_new(u->written, entry_written(u->opened, pairs, (size_t)(to - pairs)));
    u->state = BETWEEN;
    go_on(u);
}

static void file_opened(void *ctx, const struct files_result *r) {
    static const struct file_writer_events events = {.room = room, .finished = file_finished};
    struct upload *u = ctx;
    u->query = NULL;
    if (r->failure) {
        fail_result(u, r);
        return;
    }
    int fd = r->fd;
    if (is_repeated(u, r->path)) {
        close_fd(&fd);
        return;
    }
    free(u->opened);
    u->opened = strdup(r->path);
    if (fd >= 0)
        u->writer = file_writer_open(core_loop(u->core), fd, &events, u);
    if (!u->opened || !u->writer) {
        fail(u, 500, "the file could not be opened");
        return;
    }
    u->state = WRITING;
    go_on(u);
}

static void open_file(struct upload *u, const char *path) {
    struct error err = ERROR_INIT;
    const char *args[1 + ARRAY_LEN(u->metadata.pairs) + 1] = {NULL};
    struct sandbox *sandbox = sandbox_find(u->core, u->sandbox_id, &err);
    if (strlen(path) >= FILES_PATH) {
        fail(u, 400, "the path is too long");
        return;
    }
    if (is_repeated(u, path))
        return;
    if (sandbox) {
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
        json_array_append_new(u->asked, entry_text(path));
        u->state = OPENING;
        return;
    }
    exchange_reply_error(u->x, &err);
    answered(u);
}

/* ---- the body ---- */

static void begin_part(struct upload *u) {
    u->state = SKIPPING;
    if (!u->form.name.len || strcmp(u->form.name.data, "file") != 0)
        return;
    if (json_array_size(u->written) >= MAX_FILES) {
        fail(u, 400, "more than %d files in one upload", MAX_FILES);
        return;
    }
    open_file(u, u->path ? u->path : u->form.filename.len ? u->form.filename.data : "");
}

static void end_file(struct upload *u) {
    u->state = FINISHING;
    file_writer_finish(u->writer);
}

/* Both return how many bytes they dealt with. */
static size_t take_form(struct upload *u, const char *bytes, size_t len) {
    struct slice data;
    size_t used;
    switch (multipart_next(&u->form, bytes, len, &used, &data)) {
    case MULTIPART_PART:
        begin_part(u);
        break;
    case MULTIPART_DATA:
        if (u->state == WRITING)
            file_writer_put(u->writer, data.at, data.len);
        break;
    case MULTIPART_PART_END:
        if (u->state == WRITING)
            end_file(u);
        else
            u->state = BETWEEN;
        break;
    case MULTIPART_BAD:
        fail(u, 400, "the multipart body is malformed");
        break;
    case MULTIPART_MORE:
    case MULTIPART_END:
        break;
    }
    return used;
}

static size_t take_raw(struct upload *u, const char *bytes, size_t len) {
    return u->state == WRITING ? file_writer_put(u->writer, bytes, len) : len;
}

/* Plain bytes; stops where something has to be waited for. */
static size_t take(struct upload *u, const char *bytes, size_t len) {
    size_t total = 0;
    while (total < len && u->state != OPENING && u->state != FINISHING && u->state != ANSWERED) {
        size_t piece = MIN(len - total, (size_t)PIECE);
        if (u->state == WRITING && file_writer_error(u->writer)) {
            fail_errno(u, file_writer_error(u->writer));
            break;
        }
        if (u->state == WRITING && !file_writer_has_room(u->writer, PIECE_ROOM))
            break;
        total +=
            u->is_form ? take_form(u, bytes + total, piece) : take_raw(u, bytes + total, piece);
    }
    return total;
}

/* True when all that was unpacked is dealt with. */
static bool take_unpacked(struct upload *u) {
    struct gunzip *g = u->gunzip;
    g->plain_at += take(u, g->plain + g->plain_at, g->plain_len - g->plain_at);
    return g->plain_at == g->plain_len;
}

static size_t unpack(struct upload *u, const char *bytes, size_t len) {
    size_t total = 0, used = 0;
    while (u->state != ANSWERED && take_unpacked(u)) {
        if (!gunzip_next(u->gunzip, bytes + total, len - total, &used))
            fail(u, 400, "the body is not valid gzip");
        total += used;
        if (!used && u->gunzip->plain_at == u->gunzip->plain_len)
            break; /* all bytes are used, and nothing more is in them */
    }
    return total;
}

static size_t body(void *ctx, const void *bytes, size_t len) {
    struct upload *u = ctx;
    u->is_busy = true;
    size_t used = u->gunzip ? unpack(u, bytes, len) : take(u, bytes, len);
    u->is_busy = false;
    return u->state == ANSWERED ? len : used;
}

/* All of the body is dealt with: the last file ends, or the answer is due. */
static void complete(struct upload *u) {
    if (u->gunzip && !u->gunzip->at_start)
        fail(u, 400, "the gzip body ends early");
    else if (u->is_form && !multipart_is_complete(&u->form))
        fail(u, 400, "the multipart body ends early");
    else if (u->state == WRITING)
        end_file(u);
    else if (u->state == BETWEEN) {
        exchange_reply_json(u->x, 200, json_incref(u->written));
        answered(u);
    }
}

static void go_on(struct upload *u) {
    if (u->is_busy || u->state == ANSWERED)
        return; /* whoever is busy sees the new state */
    if (!u->body_over) {
        exchange_read_more(u->x);
        return;
    }
    u->is_busy = true;
    if (u->gunzip)
        unpack(u, "", 0); /* what it holds back */
    bool all = !u->gunzip || u->gunzip->plain_at == u->gunzip->plain_len;
    u->is_busy = false;
    if (all && u->state != OPENING && u->state != FINISHING && u->state != ANSWERED)
        complete(u);
}

static void body_end(void *ctx) {
    struct upload *u = ctx;
    u->body_over = true;
    go_on(u);
}

/* ---- the head ---- */

static bool read_coding(struct upload *u) {
    const char *coding = exchange_header(u->x, "Content-Encoding");
    if (!coding || !*coding || strcasecmp(coding, "identity") == 0)
        return true;
    if (strcasecmp(coding, "gzip") != 0)
        fail(u, 400, "unsupported Content-Encoding: %s, supported: [identity, gzip]", coding);
    else if (!(u->gunzip = gunzip_new()))
        fail(u, 500, "no memory");
    return u->state != ANSWERED;
}

static bool read_type(struct upload *u) {
    const char *text = exchange_header(u->x, "Content-Type");
    struct slice type = {text ? text : "", text ? strlen(text) : 0};
    if (disposition_is(type, "multipart/form-data")) {
        u->is_form = true;
        if (!multipart_init(&u->form, type))
            fail(u, 400, "the multipart body has no usable boundary");
    } else if (!disposition_is(type, "application/octet-stream")) {
        fail(u, 400,
             "unsupported content type: %s, expected multipart/form-data or "
             "application/octet-stream",
             type.at);
    } else if (!u->path) {
        fail(u, 400, "path query parameter is required for raw body upload");
    }
    return u->state != ANSWERED;
}

void files_upload(struct call *call) {
    struct error err = ERROR_INIT;
    struct sandbox *sandbox = call->ctx;
    struct files_target target;
    if (!files_read_target(sandbox, call->x, "write", &target))
        return;
    struct upload *u = calloc(1, sizeof(*u));
    if (u) {
        u->written = json_array();
        u->asked = json_array();
    }
    if (!u || !u->written || !u->asked) {
        free(u);
        files_reply_error(call->x, 500, "no memory");
        return;
    }
    u->x = call->x;
    u->core = sandbox->core;
    u->path = target.path;
    memcpy(u->sandbox_id, sandbox->id, sizeof(u->sandbox_id));
    snprintf(u->user, sizeof(u->user), "%s", target.user);
    exchange_set_events(
        call->x, &(struct exchange_events){.body = body, .body_end = body_end, .closed = closed},
        u);
    if (!upload_metadata_read(exchange_head(u->x), &u->metadata, &err)) {
        exchange_reply_error(u->x, &err);
        answered(u);
    } else if (read_coding(u) && read_type(u) && !u->is_form) {
        open_file(u, u->path);
    }
}
