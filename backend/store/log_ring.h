/* SPDX-License-Identifier: Apache-2.0
 *
 * The log of one sandbox: lines in two segment files, of which the older one goes when the newer
 * one is full. Written in batches, never synced: what a crash of the machine takes is a log's.
 * Readers step over what is damaged. Logs outlive their sandbox until they are collected.
 */
#ifndef E2B_STORE_LOG_RING_H
#define E2B_STORE_LOG_RING_H

#include "common/buf.h"
#include "common/error.h"
#include "common/log.h"

enum {
    LOG_RING_SEGMENT = 512 << 10,
    LOG_RING_LINE = 4 << 10, /* a longer one is cut */
    LOG_RING_HEAD = 24,      /* what a line costs beside its text */
    LOG_RING_KEEP_S = 7 * 24 * 3600,
};
/* All logs together: the oldest are collected beyond that. */
#define LOG_RING_ALL ((int64_t)1 << 30)

enum log_source {
    LOG_OF_SANDBOX, /* what happened to it */
    LOG_OF_PROCESS, /* a process started or ended */
    LOG_OF_STDOUT,
    LOG_OF_STDERR,
    LOG_SOURCES,
};

struct log_record {
    int64_t at_ms;
    enum log_level level;
    enum log_source source;
    int32_t pid; /* 0: none */
    const char *text;
    size_t len;
};

/* Puts one line behind a batch; false if the batch is full. */
bool log_ring_encode(struct buf *batch, const struct log_record *record);
/* Appends a batch of at most LOG_RING_SEGMENT to the log called `name` in `dir`. */
bool log_ring_append(int dir, const char *name, const struct buf *batch, struct error *err);

/* All lines that are left, in the order written. */
struct log_content {
    struct buf bytes; /* the records point into it */
    struct log_record *records;
    size_t count;
};
/* A log that does not exist has no lines. */
bool log_ring_read(int dir, const char *name, struct log_content *content, struct error *err);
void log_content_free(struct log_content *content);

/* Removes logs that were last written before, and the oldest ones beyond `most_bytes`. */
void log_ring_collect(int dir, int64_t before_s, int64_t most_bytes);

#endif
