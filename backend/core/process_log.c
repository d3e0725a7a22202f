/* SPDX-License-Identifier: Apache-2.0
 *
 * The output of processes as lines of their sandbox's log, and when they started and ended.
 */
#include "backend/core/logs_internal.h"
#include "backend/core/process_internal.h"

#include <stdio.h>
#include <string.h>

/* What has come of a line that is not complete yet, for each stream. */
struct process_log {
    struct line {
        size_t len;
        bool is_skipped; /* the rest of it: too long, or not allowed */
        char bytes[LOG_RING_LINE];
    } lines[2];
};

static const struct {
    enum log_source source;
    enum log_level level;
} kinds[] = {
    [PROCESS_OUT] = {LOG_OF_STDOUT, LOG_INFO},
    [PROCESS_ERR] = {LOG_OF_STDERR, LOG_WARN},
};

static void put_line(const struct process *process, enum process_stream stream, const char *text,
                     size_t len) {
    sandbox_log_put(process->sandbox->log, &(struct log_record){
                                               .level = kinds[stream].level,
                                               .source = kinds[stream].source,
                                               .pid = process->pid,
                                               .text = text,
                                               .len = len,
                                           });
}

static void end_line(const struct process *process, enum process_stream stream) {
    struct line *line = &process->log->lines[stream];
    if (line->len && line->bytes[line->len - 1] == '\r')
        line->len--;
    if (!line->is_skipped || line->len)
        put_line(process, stream, line->bytes, line->len);
    line->len = 0;
    line->is_skipped = false;
}

static void extend_line(struct line *line, const char *bytes, size_t len) {
    size_t room = line->is_skipped ? 0 : sizeof(line->bytes) - line->len;
    memcpy(line->bytes + line->len, bytes, MIN(len, room));
    line->len += MIN(len, room);
    line->is_skipped |= len > room;
}

static bool prepare(struct process *process) {
    if (!process->log)
        process->log = calloc(1, sizeof(*process->log));
    return process->log && sandbox_log_of(process->sandbox);
}

void process_log_output(struct process *process, enum process_stream stream, const char *bytes,
                        size_t len) {
    if (stream == PROCESS_TERMINAL || !prepare(process))
        return;
    struct line *line = &process->log->lines[stream];
    if (!sandbox_log_allows(process->sandbox->log, len)) {
        line->is_skipped = true;
        line->len = 0;
        return;
    }
    for (const char *end = bytes + len, *newline; bytes < end; bytes = newline + 1) {
        newline = memchr(bytes, '\n', (size_t)(end - bytes));
        extend_line(line, bytes, (size_t)((newline ? newline : end) - bytes));
        if (!newline)
            return;
        end_line(process, stream);
    }
}

static void put_text(struct process *process, const char *text, int len) {
    if (len > 0 && sandbox_log_of(process->sandbox))
        sandbox_log_put(process->sandbox->log, &(struct log_record){
                                                   .level = LOG_DEBUG,
                                                   .source = LOG_OF_PROCESS,
                                                   .pid = process->pid,
                                                   .text = text,
                                                   .len = (size_t)len,
                                               });
}

void process_log_start(struct process *process) {
    cleanup_buf struct buf text = BUF_INIT(LOG_RING_LINE);
    bool fits = buf_printf(&text, "started: %s", process->cmd);
    for (char **at = process->args; fits && at && *at; at++)
        fits = buf_printf(&text, " %s", *at);
    put_text(process, text.data, (int)text.len);
}

void process_log_end(struct process *process) {
    char text[sizeof(process->end.status) + 16];
    if (process->log)
        for (enum process_stream stream = PROCESS_OUT; stream <= PROCESS_ERR; stream++)
            if (process->log->lines[stream].len)
                end_line(process, stream);
    if (process->sandbox->log)
        sandbox_log_pause(process->sandbox->log);
    put_text(process, text, snprintf(text, sizeof(text), "ended: %s", process->end.status));
}
