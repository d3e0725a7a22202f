/* SPDX-License-Identifier: Apache-2.0
 *
 * What a build tells: lines with a level and the step they belong to, at most BUILD_LOG_LINES, so
 * that a step that never stops writing does not fill the disk.
 */
#ifndef E2B_CORE_BUILD_LOG_H
#define E2B_CORE_BUILD_LOG_H

#include "backend/core/recipe.h"
#include "backend/store/build_logs.h"
#include "common/log.h"

enum { BUILD_LOG_LINES = 50000 };

void build_log(struct core *core, struct build *build, enum log_level level, const char *step,
               const char *format, ...) printf_like(5, 6);
bool build_log_read(struct core *core, const struct build *build,
                    const struct build_line_query *query,
                    void (*each)(void *ctx, const struct build_line *line), void *ctx,
                    struct error *err);

#endif
