/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/build_log.h"
#include "backend/core/core.h"

#include <stdarg.h>
#include <stdio.h>

static void put(struct core *core, struct build *build, enum log_level level, const char *step,
                const char *message) {
    struct error err = ERROR_INIT;
    const struct build_line line = {.number = build->lines,
                                    .at_ms = clock_now_ms(),
                                    .level = (int)level,
                                    .step = step,
                                    .message = message};
    if (store_build_line_put(core->config.store, build->id, &line, &err))
        build->lines++;
    else
        log_warn("a line of a build's log was lost", "build", build->id, "error", err.message);
}

/* What ends a build is told in any case. */
void build_log(struct core *core, struct build *build, enum log_level level, const char *step,
               const char *format, ...) {
    cleanup_free char *message = NULL;
    va_list args;
    if (build->lines > BUILD_LOG_LINES && level < LOG_ERROR)
        return;
    va_start(args, format);
    int len = vasprintf(&message, format, args);
    va_end(args);
    if (len < 0)
        return;
    if (build->lines == BUILD_LOG_LINES)
        put(core, build, LOG_WARN, step, "the rest of the output is left out: it is too much");
    put(core, build, level, step, message);
}

bool build_log_read(struct core *core, const struct build *build,
                    const struct build_line_query *query,
                    void (*each)(void *ctx, const struct build_line *line), void *ctx,
                    struct error *err) {
    return store_build_line_each(core->config.store, build->id, query, each, ctx, err);
}
