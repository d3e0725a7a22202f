/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's log: one JSON object a line {"time","level","message", ...}, to a file that is
 * rotated by size, or to standard error before a file is opened. Never given secrets.
 */
#ifndef E2B_COMMON_LOG_H
#define E2B_COMMON_LOG_H

#include "common/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Keeps `path` and one older generation, `path`.1, of at most `max_bytes` each. */
bool log_open(const char *path, enum log_level least, size_t max_bytes, struct error *err);
void log_close(void);

/* `pairs` are const char * key, value, ... ended by NULL; a NULL value leaves its key out. */
void log_write(enum log_level level, const char *message, const char *const *pairs);

/* log_info("sandbox created", "sandbox", id, "template", name) */
#define log_at(level, message, ...)                                                                \
    log_write(level, message, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL, NULL})
#define log_debug(message, ...) log_at(LOG_DEBUG, message, __VA_ARGS__)
#define log_info(message, ...)  log_at(LOG_INFO, message, __VA_ARGS__)
#define log_warn(message, ...)  log_at(LOG_WARN, message, __VA_ARGS__)
#define log_error(message, ...) log_at(LOG_ERROR, message, __VA_ARGS__)

#endif
