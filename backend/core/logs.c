/* SPDX-License-Identifier: Apache-2.0
 *
 * See logs.h. One timer writes the batches of all sandboxes that have said something.
 */
#include "backend/core/logs_internal.h"

#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    BATCH_MAX = 128 << 10,
    BATCH_ENOUGH = 32 << 10, /* is written at once */
    COLLECT_EVERY_MS = 3600 * 1000,
    LEAP_MS = 10000, /* a clock that went back so far is believed */
};

struct logs {
    int dir;
    uv_timer_t delay, collect;
    unsigned open_handles; /* of these two */
    struct sandbox_log *unwritten;
};

/* Of one sandbox; made with its first line. */
struct sandbox_log {
    struct sandbox *sandbox;
    struct buf batch;
    struct sandbox_log **link, *next; /* while it is in the list of unwritten ones */
    int64_t last_ms;
    unsigned same_ms; /* lines with that time */
    int64_t allowance, refilled_ms;
    uint64_t left_out; /* bytes, not yet told of */
};

/* ---- writing ---- */

static void write_batch(struct sandbox_log *log) {
    struct error err = ERROR_INIT;
    const struct sandbox *sandbox = log->sandbox;
    if (!log->link)
        return;
    *log->link = log->next;
    if (log->next)
        log->next->link = log->link;
    log->link = NULL;
    if (!log_ring_append(sandbox->core->logs->dir, sandbox->id, &log->batch, &err))
        log_warn("a sandbox's log was not written", "sandbox", sandbox->id, "error", err.message);
    log->batch.len = 0;
}

static void on_delay_over(uv_timer_t *timer) {
    struct logs *logs = timer->data;
    while (logs->unwritten)
        write_batch(logs->unwritten);
}

static void want_writing(struct logs *logs, struct sandbox_log *log) {
    if (log->link && log->batch.len >= BATCH_ENOUGH)
        write_batch(log);
    if (log->link || !log->batch.len)
        return;
    if (!logs->unwritten) {
        uv_update_time(logs->delay.loop);
        uv_timer_start(&logs->delay, on_delay_over, LOGS_DELAY_MS, 0);
    }
    log->next = logs->unwritten;
    if (log->next)
        log->next->link = &log->next;
    log->link = &logs->unwritten;
    logs->unwritten = log;
}

/* In order also when the clock goes back a little, and few enough of each millisecond. */
static int64_t next_time(struct sandbox_log *log) {
    int64_t now = clock_now_ms();
    if (now > log->last_ms || now < log->last_ms - LEAP_MS) {
        log->last_ms = now;
        log->same_ms = 0;
    }
    if (++log->same_ms > LOGS_SAME_MS) {
        log->last_ms++;
        log->same_ms = 1;
    }
    return log->last_ms;
}

void sandbox_log_put(struct sandbox_log *log, struct log_record *record) {
    record->at_ms = next_time(log);
    log->allowance -= LOG_RING_HEAD;
    if (log_ring_encode(&log->batch, record)) /* without memory there is no line */
        want_writing(log->sandbox->core->logs, log);
}

struct sandbox_log *sandbox_log_of(struct sandbox *sandbox) {
    if (sandbox->log || !sandbox->core->logs || sandbox->is_hidden)
        return sandbox->log;
    sandbox->log = calloc(1, sizeof(*sandbox->log));
    if (sandbox->log)
        *sandbox->log = (struct sandbox_log){.sandbox = sandbox,
                                             .batch = BUF_INIT(BATCH_MAX),
                                             .allowance = LOGS_BURST,
                                             .refilled_ms = clock_mono_ms()};
    return sandbox->log;
}

void sandbox_log_free(struct sandbox *sandbox) {
    if (!sandbox->log)
        return;
    write_batch(sandbox->log);
    buf_free(&sandbox->log->batch);
    free(steal_ptr(&sandbox->log));
}

void sandbox_log(struct sandbox *sandbox, enum log_level level, const char *format, ...) {
    char text[512];
    struct sandbox_log *log = sandbox_log_of(sandbox);
    va_list args;
    if (!log)
        return;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sandbox_log_put(log, &(struct log_record){
                             .level = level,
                             .source = LOG_OF_SANDBOX,
                             .text = text,
                             .len = MIN((size_t)MAX(len, 0), sizeof(text) - 1),
                         });
}

/* ---- how much of a flood is kept ---- */

static void tell_of_the_rest(struct sandbox_log *log) {
    if (!log->left_out)
        return;
    sandbox_log(log->sandbox, LOG_WARN,
                "%llu bytes of output were left out here: more than %d KiB a second",
                (unsigned long long)log->left_out, LOGS_RATE >> 10);
    log->left_out = 0;
}

/* Once something had to be left out, more is taken only when there is room for a good deal: whole
 * passages tell more than single lines. */
bool sandbox_log_allows(struct sandbox_log *log, size_t len) {
    int64_t now = clock_mono_ms();
    log->allowance += (now - log->refilled_ms) * LOGS_RATE / 1000;
    log->allowance = MIN(log->allowance, LOGS_BURST);
    log->refilled_ms = now;
    if (log->allowance < (log->left_out ? LOGS_BURST / 2 : (int64_t)len)) {
        log->left_out += len;
        return false;
    }
    tell_of_the_rest(log);
    log->allowance -= (int64_t)len;
    return true;
}

void sandbox_log_pause(struct sandbox_log *log) {
    tell_of_the_rest(log);
}

/* ---- reading ---- */

static bool matches(const struct log_record *record, const struct log_query *query) {
    if (record->at_ms < query->from_ms || record->at_ms >= query->before_ms ||
        record->level < query->least)
        return false;
    return !query->search || !*query->search ||
           memmem(record->text, record->len, query->search, strlen(query->search));
}

/* Puts the matching ones at the front, in the order asked for. */
static size_t sift(struct log_content *content, const struct log_query *query) {
    size_t count = 0;
    for (size_t i = 0; i < content->count; i++)
        if (matches(&content->records[i], query))
            content->records[count++] = content->records[i];
    for (size_t i = 0; query->backward && i < count / 2; i++) {
        struct log_record other = content->records[count - 1 - i];
        content->records[count - 1 - i] = content->records[i];
        content->records[i] = other;
    }
    return count;
}

/* Where the page ends: not within a millisecond, if that can be. */
static size_t page_end(const struct log_record *records, size_t count, size_t limit) {
    if (count <= limit)
        return count;
    size_t end = limit;
    while (end && records[end - 1].at_ms == records[limit].at_ms)
        end--;
    return end ? end : limit;
}

size_t logs_choose(struct log_content *content, const struct log_query *query) {
    return page_end(content->records, sift(content, query), query->limit);
}

bool logs_read(struct core *core, const char *sandbox_id, const struct log_query *query,
               void (*each)(void *ctx, const struct log_record *record), void *ctx,
               struct error *err) {
    struct log_content content;
    struct sandbox *sandbox = registry_get(core, sandbox_id);
    if (sandbox && sandbox->log)
        write_batch(sandbox->log);
    if (!core->logs || !sandbox_is_remembered(core, sandbox_id, err))
        return err->kind == ERR_NONE;
    bool ok = log_ring_read(core->logs->dir, sandbox_id, &content, err);
    size_t end = ok ? logs_choose(&content, query) : 0;
    for (size_t i = 0; i < end; i++)
        each(ctx, &content.records[i]);
    log_content_free(&content);
    return ok;
}

/* ---- start and stop ---- */

static void on_collect(uv_timer_t *timer) {
    struct logs *logs = timer->data;
    log_ring_collect(logs->dir, steady_ago_ms(LOG_RING_KEEP_S * INT64_C(1000)) / 1000,
                     LOG_RING_ALL);
}

bool logs_start(struct core *core, const char *path, struct error *err) {
    if (!path)
        return true;
    struct logs *logs = calloc(1, sizeof(*logs));
    if (!logs)
        return error_errno(err, ENOMEM, "cannot start");
    if (io_mkdirs(path, 0700, err)) {
        logs->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (logs->dir < 0)
            error_errno(err, errno, "cannot open %s", path);
    }
    if (err->kind != ERR_NONE) {
        free(logs);
        return false;
    }
    uv_timer_init(core->config.loop, &logs->delay);
    uv_timer_init(core->config.loop, &logs->collect);
    logs->delay.data = logs->collect.data = logs;
    logs->open_handles = 2;
    uv_timer_start(&logs->collect, on_collect, 0, COLLECT_EVERY_MS);
    uv_unref((uv_handle_t *)&logs->collect);
    uv_unref((uv_handle_t *)&logs->delay);
    core->logs = logs;
    return true;
}

static void on_closed(uv_handle_t *handle) {
    struct logs *logs = handle->data;
    if (--logs->open_handles)
        return;
    close_fd(&logs->dir);
    free(logs);
}

/* Sandboxes have been freed, and have written what they had to say. */
void logs_stop(struct core *core) {
    struct logs *logs = steal_ptr(&core->logs);
    if (!logs)
        return;
    uv_close((uv_handle_t *)&logs->delay, on_closed);
    uv_close((uv_handle_t *)&logs->collect, on_closed);
}
