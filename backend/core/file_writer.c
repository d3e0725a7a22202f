/* SPDX-License-Identifier: Apache-2.0
 *
 * Two halves: one is being filled while the other is being written.
 */
#include "backend/core/file_writer.h"
#include "common/io.h"

#include <errno.h>
#include <string.h>

enum { HALF = FILE_WRITER_ROOM / 2 };

enum writer_state { FILLING, FINISHING, ABANDONED };

struct file_writer {
    uv_loop_t *loop;
    uv_work_t work;
    int fd;
    struct file_writer_events events;
    void *ctx;
    enum writer_state state;
    bool is_writing;
    bool wants_room;        /* the last put did not take all */
    int error;              /* the first, as the loop knows it */
    int work_error;         /* of the write under way; the pool's */
    size_t filled, writing; /* bytes in the halves */
    char *fill, *write;
    char halves[];
};

struct file_writer *file_writer_open(uv_loop_t *loop, int fd,
                                     const struct file_writer_events *events, void *ctx) {
    struct file_writer *w = malloc(sizeof(*w) + FILE_WRITER_ROOM);
    if (!w) {
        close(fd);
        return NULL;
    }
    *w = (struct file_writer){.loop = loop, .fd = fd, .events = *events, .ctx = ctx};
    w->work.data = w;
    w->fill = w->halves;
    w->write = w->halves + HALF;
    return w;
}

/* In the pool. Nobody else touches what is read and written here while is_writing. */
static void write_half(uv_work_t *work) {
    struct file_writer *w = work->data;
    w->work_error = io_write_all(w->fd, w->write, w->writing) ? 0 : errno;
}

static void advance(struct file_writer *w);

static void written(uv_work_t *work, int status) {
    struct file_writer *w = work->data;
    w->is_writing = false;
    w->error = status < 0 ? -status : w->work_error;
    advance(w);
}

/* Starts the next write, or ends. */
static void advance(struct file_writer *w) {
    if (w->is_writing)
        return;
    if (w->filled && !w->error) {
        char *half = w->fill;
        w->fill = w->write;
        w->write = half;
        w->writing = w->filled;
        w->filled = 0;
        w->is_writing = true;
        if (uv_queue_work(w->loop, &w->work, write_half, written) < 0) {
            w->is_writing = false;
            w->error = ENOMEM;
        }
    }
    if (!w->is_writing && w->state != FILLING) {
        if (close(w->fd) < 0 && !w->error)
            w->error = errno; /* a quota may be noticed only here */
        if (w->state == FINISHING)
            w->events.finished(w->ctx, w->error);
        free(w);
    } else if (w->state == FILLING && w->wants_room && (!w->filled || w->error)) {
        w->wants_room = false;
        w->events.room(w->ctx);
    }
}

size_t file_writer_put(struct file_writer *w, const void *bytes, size_t len) {
    size_t taken = 0;
    w->wants_room = false;
    while (!w->error && taken < len) {
        size_t room = HALF - w->filled, part = MIN(room, len - taken);
        memcpy(w->fill + w->filled, (const char *)bytes + taken, part);
        w->filled += part;
        taken += part;
        if (w->is_writing && w->filled == HALF)
            break;
        advance(w);
    }
    w->wants_room = taken < len;
    return taken;
}

bool file_writer_has_room(struct file_writer *w, size_t len) {
    w->wants_room = HALF - w->filled < len;
    return !w->wants_room;
}

int file_writer_error(const struct file_writer *w) {
    return w->error;
}

void file_writer_finish(struct file_writer *w) {
    w->state = FINISHING;
    advance(w);
}

void file_writer_abandon(struct file_writer *w) {
    w->state = ABANDONED;
    advance(w);
}
