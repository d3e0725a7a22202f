/* SPDX-License-Identifier: Apache-2.0
 *
 * A layer as it is read, once: what comes from the file is counted into one digest, what comes out
 * of the compression into another, and goes on to whoever reads the archive.
 */
#include "backend/unpack/unpack.h"

#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 256 << 10 };

static la_ssize_t read_blob(struct archive *archive, void *ctx, const void **bytes) {
    struct stream *s = ctx;
    ssize_t n;
    do
        n = read(s->layer->fd, s->room, ROOM);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        archive_set_error(archive, errno, "%s", strerror(errno));
    else
        digest_add(&s->blob, s->room, (size_t)n);
    *bytes = s->room;
    return n;
}

static la_ssize_t read_content(struct archive *archive, void *ctx, const void **bytes) {
    struct stream *s = ctx;
    size_t len = 0;
    la_int64_t at;
    int result = archive_read_data_block(s->filter, bytes, &len, &at);
    if (result == ARCHIVE_EOF)
        return 0;
    if (result != ARCHIVE_OK) {
        archive_set_error(archive, archive_errno(s->filter), "%s", archive_error_string(s->filter));
        return -1;
    }
    digest_add(&s->content, *bytes, len);
    return (la_ssize_t)len;
}

static bool open_filter(struct stream *s, struct error *err) {
    struct archive_entry *entry;
    unpack_support_filters(s->filter);
    archive_read_support_format_raw(s->filter);
    return (archive_read_open(s->filter, s, NULL, read_blob, NULL) == ARCHIVE_OK &&
            archive_read_next_header(s->filter, &entry) == ARCHIVE_OK) ||
           unpack_fail(s->filter, err);
}

static bool open_archive(struct stream *s, struct error *err) {
    archive_read_support_format_tar(s->archive);
    return archive_read_open(s->archive, s, NULL, read_content, NULL) == ARCHIVE_OK ||
           unpack_fail(s->archive, err);
}

bool stream_open(struct stream *s, const struct unpack_layer *layer, struct error *err) {
    *s = (struct stream){.layer = layer, .room = malloc(ROOM)};
    s->filter = archive_read_new();
    s->archive = archive_read_new();
    if (!s->room || !s->filter || !s->archive || lseek(layer->fd, 0, SEEK_SET) < 0)
        return error_errno(err, ENOMEM, "cannot read a layer");
    return digest_begin(&s->blob, layer->digest, err) &&
           digest_begin(&s->content, layer->diff_id, err) && open_filter(s, err) &&
           open_archive(s, err);
}

bool stream_end(struct stream *s, struct unpack_counts *counts, struct error *err) {
    const void *bytes;
    la_ssize_t n;
    while ((n = read_content(s->archive, s, &bytes)) > 0)
        if (!unpack_count(counts, s->filter, n, err))
            return false;
    if (n < 0)
        return unpack_fail(s->archive, err);
    while ((n = read_blob(s->filter, s, &bytes)) > 0)
        ;
    return (n == 0 || unpack_fail(s->filter, err)) && digest_end(&s->blob, "the layer", err) &&
           digest_end(&s->content, "what is in the layer", err);
}

bool stream_blame(struct stream *s, struct error *err) {
    struct error why = ERROR_INIT;
    const void *bytes;
    digest_free(&s->blob);
    if (err->kind != ERR_INVALID || lseek(s->layer->fd, 0, SEEK_SET) < 0 ||
        !digest_begin(&s->blob, s->layer->digest, &why))
        return false;
    while (s->blob.ctx && read_blob(s->filter, s, &bytes) > 0)
        ;
    if (!digest_end(&s->blob, "the layer", &why))
        *err = why;
    return false;
}

void stream_close(struct stream *s) {
    archive_read_free(s->archive);
    archive_read_free(s->filter);
    digest_free(&s->blob);
    digest_free(&s->content);
    free(s->room);
}
