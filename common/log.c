/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include "common/clock.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct {
    int fd;
    enum log_level least;
    size_t size, max;
    char path[4096];
} sink = {.fd = STDERR_FILENO, .least = LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static bool open_file(struct error *err) {
    int fd = open(sink.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_errno(err, errno, "cannot open the log %s", sink.path);
    struct stat st;
    sink.size = fstat(fd, &st) == 0 ? (size_t)st.st_size : 0;
    sink.fd = fd;
    return true;
}

bool log_open(const char *path, enum log_level least, size_t max_bytes, struct error *err) {
    snprintf(sink.path, sizeof(sink.path), "%s", path);
    sink.least = least;
    sink.max = max_bytes;
    return open_file(err);
}

void log_close(void) {
    if (sink.fd != STDERR_FILENO)
        close(sink.fd);
    sink.fd = STDERR_FILENO;
}

static void rotate(void) {
    char older[sizeof(sink.path) + 2];
    struct error ignored = ERROR_INIT;
    snprintf(older, sizeof(older), "%s.1", sink.path);
    if (rename(sink.path, older) < 0)
        return;
    log_close();
    open_file(&ignored);
}

static bool put_string(struct buf *line, const char *text) {
    bool ok = buf_puts(line, "\"");
    for (const unsigned char *at = (const unsigned char *)text; ok && *at; at++) {
        if (*at == '"' || *at == '\\')
            ok = buf_printf(line, "\\%c", *at);
        else if (*at < 32)
            ok = buf_printf(line, "\\u%04x", *at);
        else
            ok = buf_add(line, at, 1);
    }
    return ok && buf_puts(line, "\"");
}

void log_write(enum log_level level, const char *message, const char *const *pairs) {
    if (level < sink.least)
        return;
    char time[CLOCK_TEXT];
    cleanup_buf struct buf line = BUF_INIT(64 << 10);
    bool ok = buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":",
                         clock_format(clock_now_ms(), time), level_names[level]) &&
              put_string(&line, message);
    for (; ok && pairs[0]; pairs += 2)
        if (pairs[1])
            ok = buf_puts(&line, ",") && put_string(&line, pairs[0]) && buf_puts(&line, ":") &&
                 put_string(&line, pairs[1]);
    if (!ok || !buf_puts(&line, "}\n"))
        return;
    if (sink.max && sink.size + line.len > sink.max)
        rotate();
    if (io_write_all(sink.fd, line.data, line.len))
        sink.size += line.len;
}
