/* SPDX-License-Identifier: Apache-2.0
 *
 * A build under way: base, steps, finalize, each on the layers so far. Its end is in the build.
 */
#ifndef E2B_CORE_BUILD_RUN_H
#define E2B_CORE_BUILD_RUN_H

#include "backend/core/build_spec.h"
#include "backend/core/recipe.h"

enum { BUILD_MAX_RUNNING = 16, BUILD_LOG_PAGE = 100 };

/* Takes the spec. ERR_CONFLICT... for one that does not wait, ERR_LIMIT when too many run. */
bool build_start(struct core *core, struct build *build, struct build_spec *spec,
                 struct error *err);
/* One that waits or runs fails at once, as cancelled. */
bool build_cancel(struct core *core, struct build *build, struct error *err);
/* Nobody wants it any more: no trace of it is recorded. */
void build_run_forget(struct build_run *run);
/* The layers so far, of all stages. */
void build_run_each_overlays(const struct build_run *run,
                             void (*each)(void *ctx, const struct overlays *overlays), void *ctx);
bool build_run_has_layer(const struct build_run *run, const char *layer);
/* The one that is being made; "": none was yet. */
const char *build_run_layer(const struct build_run *run);
/* Does a step of it take its files from the archive of this hash? */
bool build_run_needs_files(const struct build_run *run, const char *hash);
unsigned builds_running(const struct core *core);
/* The daemon stops; the next one records what becomes of them. */
void builds_stop(struct core *core);

/* Looks now and then for what no build needs any more. */
bool collecting_start(struct core *core, struct error *err);
void collecting_stop(struct core *core);

#endif
