/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes to a regular file on the thread pool, as a disk may make us wait: one piece at a time and
 * at most FILE_WRITER_ROOM bytes waiting, so that whoever feeds it has to go at the disk's speed.
 */
#ifndef E2B_CORE_FILE_WRITER_H
#define E2B_CORE_FILE_WRITER_H

#include "common/util.h"

#include <uv.h>

enum { FILE_WRITER_ROOM = 512 << 10 };

struct file_writer;

struct file_writer_events {
    void (*room)(void *ctx); /* file_writer_put may take more again, or a write failed */
    /* After file_writer_finish: everything is written, or errno. The writer is gone. */
    void (*finished)(void *ctx, int error);
};

/* Takes fd, a regular file. NULL: no memory (then fd is closed). */
struct file_writer *file_writer_open(uv_loop_t *loop, int fd,
                                     const struct file_writer_events *events, void *ctx);
/* Copies what it has room for; returns how much that was. */
size_t file_writer_put(struct file_writer *writer, const void *bytes, size_t len);
/* Is there room for so many bytes (a quarter of FILE_WRITER_ROOM at most)? If not, `room` comes. */
bool file_writer_has_room(struct file_writer *writer, size_t len);
int file_writer_error(const struct file_writer *writer); /* errno of a failed write; 0: none */
void file_writer_finish(struct file_writer *writer);
/* Writes what was put, and is gone without a word. */
void file_writer_abandon(struct file_writer *writer);

#endif
