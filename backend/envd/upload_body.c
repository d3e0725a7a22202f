/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/upload.h"

#include <string.h>

enum {
    PIECE = 32 << 10, /* of the body, dealt with at once */
    /* What a piece can turn into at most: itself and a delimiter that was none. */
    PIECE_ROOM = PIECE + MULTIPART_MAX_BOUNDARY + 8,
};

static void begin_part(struct upload *u) {
    u->state = SKIPPING;
    if (!u->form.name.len || strcmp(u->form.name.data, "file") != 0)
        return;
    upload_open_file(u, u->path ? u->path : u->form.filename.len ? u->form.filename.data : "");
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
            upload_end_file(u);
        else
            u->state = BETWEEN;
        break;
    case MULTIPART_BAD:
        upload_fail(u, 400, "the multipart body is malformed");
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
            upload_fail_errno(u, file_writer_error(u->writer));
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
            upload_fail(u, 400, "the body is not valid gzip");
        total += used;
        if (!used && u->gunzip->plain_at == u->gunzip->plain_len)
            break; /* all bytes are used, and nothing more is in them */
    }
    return total;
}

static size_t body(void *ctx, const void *bytes, size_t len) {
    struct upload *u = ctx;
    struct error err = ERROR_INIT;
    const struct sandbox *sandbox = sandbox_find(u->core, u->sandbox_id, &err);
    if (u->state != ANSWERED && (!sandbox || !sandbox_runs(sandbox, &err)))
        upload_fail_error(u, &err); /* it stopped for what it wrote; this would add to it */
    u->is_busy = true;
    size_t used = u->gunzip ? unpack(u, bytes, len) : take(u, bytes, len);
    u->is_busy = false;
    return u->state == ANSWERED ? len : used;
}

/* All of the body is dealt with: the last file ends, or the answer is due. */
static void complete(struct upload *u) {
    if (u->gunzip && !u->gunzip->at_start)
        upload_fail(u, 400, "the gzip body ends early");
    else if (u->is_form && !multipart_is_complete(&u->form))
        upload_fail(u, 400, "the multipart body ends early");
    else if (u->state == WRITING)
        upload_end_file(u);
    else if (u->state == BETWEEN)
        upload_succeed(u);
}

void upload_go_on(struct upload *u) {
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
    upload_go_on(u);
}

static void closed(void *ctx, bool broken) {
    struct upload *u = ctx;
    (void)broken;
    if (u->query)
        files_cancel(u->query);
    if (u->writer)
        file_writer_abandon(u->writer);
    if (u->is_form)
        multipart_free(&u->form);
    gunzip_free(u->gunzip);
    json_decref(u->written);
    json_decref(u->paths);
    free(u->asked);
    free(u->opened);
    free(u);
}

const struct exchange_events upload_events = {.body = body, .body_end = body_end, .closed = closed};
