/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /files. The helper opens the file inside the sandbox; its bytes then go from the page cache
 * to the socket, or through a compressor on the thread pool for a client that asked for gzip.
 */
#include "backend/envd/coding.h"
#include "backend/envd/disposition.h"
#include "backend/envd/entry.h"
#include "backend/envd/files_http.h"
#include "backend/envd/media_type.h"
#include "backend/envd/range.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum {
    CHUNK = 128 << 10, /* of the file, compressed at once */
    GZIP_WINDOW = 15 + 16,
    GZIP_LEVEL = 1, /* the client is near: time costs more than bytes */
};

struct compressor {
    z_stream z;
    int64_t offset;
    size_t made; /* bytes in `out` */
    bool over;   /* the end of the file is in it */
    int error;
    unsigned char in[CHUNK], out[CHUNK + CHUNK / 8];
};

struct download {
    struct exchange *x; /* NULL: the client has left */
    struct files_query *query;
    uv_loop_t *loop;
    char user[USER_TEXT];
    int fd;
    int64_t size, mtime;
    uv_work_t work;
    bool is_working;
    struct compressor *gzip;
};

static void download_free(struct download *d) {
    if (d->query)
        files_cancel(d->query);
    if (d->gzip)
        deflateEnd(&d->gzip->z);
    free(d->gzip);
    close_fd(&d->fd);
    free(d);
}

static void closed(void *ctx, bool broken) {
    struct download *d = ctx;
    (void)broken;
    d->x = NULL;
    if (!d->is_working)
        download_free(d);
}

/* ---- compressed ---- */

/* In the pool. */
static void compress_chunk(uv_work_t *work) {
    struct download *d = work->data;
    struct compressor *c = d->gzip;
    if (!c->z.avail_in && !c->over) {
        ssize_t n = pread(d->fd, c->in, CHUNK, c->offset);
        c->error = n < 0 ? errno : 0;
        c->over = n <= 0;
        c->offset += n > 0 ? n : 0;
        c->z.next_in = c->in;
        c->z.avail_in = n > 0 ? (uInt)n : 0;
    }
    c->z.next_out = c->out;
    c->z.avail_out = sizeof(c->out);
    int rc = deflate(&c->z, c->over ? Z_FINISH : Z_NO_FLUSH);
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        c->error = EIO;
    c->made = sizeof(c->out) - c->z.avail_out;
}

static void compressed(uv_work_t *work, int status);

static void compress_more(struct download *d) {
    d->work.data = d;
    d->is_working = uv_queue_work(d->loop, &d->work, compress_chunk, compressed) == 0;
    if (!d->is_working)
        exchange_abort(d->x);
}

static void compressed(uv_work_t *work, int status) {
    struct download *d = work->data;
    struct compressor *c = d->gzip;
    d->is_working = false;
    if (!d->x) {
        download_free(d);
        return;
    }
    if (status < 0 || c->error) {
        exchange_abort(d->x);
        return;
    }
    bool room = exchange_write(d->x, c->out, c->made);
    /* Z_FINISH is done when it left room. */
    if (c->over && c->z.avail_out)
        exchange_end(d->x);
    else if (room)
        compress_more(d);
}

static void drained(void *ctx) {
    struct download *d = ctx;
    if (d->gzip && !d->is_working && !(d->gzip->over && d->gzip->z.avail_out))
        compress_more(d);
}

static void send_compressed(struct download *d, const char *type) {
    d->gzip = calloc(1, sizeof(*d->gzip));
    if (!d->gzip || deflateInit2(&d->gzip->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
                                 Z_DEFAULT_STRATEGY) != Z_OK) {
        free(steal_ptr(&d->gzip));
        files_reply_error(d->x, 500, "no memory");
        return;
    }
    exchange_add_header(d->x, "Content-Encoding", "gzip");
    exchange_begin(d->x, 200, type, -1);
    compress_more(d);
}

/* ---- the answer ---- */

static void add_headers(struct download *d, const char *path) {
    char date[HTTP_DATE];
    cleanup_buf struct buf disposition = BUF_INIT(4096);
    exchange_add_header(d->x, "Vary", "Accept-Encoding");
    exchange_add_header(d->x, "Accept-Ranges", "bytes");
    if (disposition_inline(entry_name(path), &disposition))
        exchange_add_header(d->x, "Content-Disposition", "%s", disposition.data);
    if (http_date_format(d->mtime, date))
        exchange_add_header(d->x, "Last-Modified", "%s", date);
}

static const char *type_of(const struct download *d, const char *path) {
    char bytes[MEDIA_SNIFF];
    const char *type = media_type_of_name(entry_name(path));
    if (type)
        return type;
    ssize_t n = pread(d->fd, bytes, sizeof(bytes), 0);
    return media_type_of_bytes(bytes, n > 0 ? (size_t)n : 0);
}

static void send_range(struct download *d, const struct file_range *range, const char *type) {
    struct exchange *x = d->x;
    if (range->status == 206)
        exchange_add_header(x, "Content-Range", "bytes %lld-%lld/%lld", (long long)range->start,
                            (long long)(range->start + range->len - 1), (long long)d->size);
    exchange_begin(x, range->status, type, range->len);
    exchange_send_file(x, steal_fd(&d->fd), range->start, range->len);
}

static void answer(struct download *d, const char *path) {
    const struct http1_head *head = exchange_head(d->x);
    enum coding coding = coding_choose(http1_find(head, "Accept-Encoding"));
    if (coding == CODING_NONE) {
        files_reply_error(d->x, 406, "no acceptable encoding found, supported: [identity, gzip]");
        return;
    }
    if (range_is_asked(head))
        coding = CODING_IDENTITY;
    struct file_range range = range_decide(head, d->size, d->mtime);
    add_headers(d, path);
    if (range.status == 416) {
        exchange_add_header(d->x, "Content-Range", "bytes */%lld", (long long)d->size);
        files_reply_error(d->x, 416, "invalid range: failed to overlap");
    } else if (range.status == 304 || range.status == 412) {
        exchange_reply_empty(d->x, range.status);
    } else if (coding == CODING_GZIP && d->size) {
        send_compressed(d, type_of(d, path));
    } else {
        send_range(d, &range, type_of(d, path));
    }
}

static void opened(void *ctx, const struct files_result *r) {
    struct download *d = ctx;
    struct stat st;
    d->query = NULL;
    d->fd = r->fd;
    if (r->failure) {
        files_fail_http(d->x, NULL, r, d->user);
    } else if (r->fd < 0 || !r->info || fstat(r->fd, &st) < 0) {
        files_reply_error(d->x, 500, "the file could not be opened");
    } else {
        d->size = st.st_size;
        d->mtime = r->info->mtime_sec;
        answer(d, r->path);
    }
}

void files_download(struct call *call) {
    struct error err = ERROR_INIT;
    struct sandbox *sandbox = call->ctx;
    struct files_target target;
    if (!files_read_target(sandbox, call->x, "read", &target))
        return;
    struct download *d = calloc(1, sizeof(*d));
    if (!d) {
        files_reply_error(call->x, 500, "no memory");
        return;
    }
    d->x = call->x;
    d->fd = -1;
    d->loop = core_loop(sandbox->core);
    snprintf(d->user, sizeof(d->user), "%s", target.user);
    const char *args[] = {files_path(sandbox, target.path ? target.path : ""), NULL};
    const struct files_request request = {
        .op = HELPER_FILE_OPEN_READ, .user = target.user, .args = args, .done = opened, .ctx = d};
    d->query = files_ask(sandbox, &request, &err);
    if (!d->query) {
        free(d);
        files_refuse(call->x, &err);
        return;
    }
    exchange_set_events(call->x, &(struct exchange_events){.drained = drained, .closed = closed},
                        d);
}
