/* SPDX-License-Identifier: Apache-2.0
 *
 * What a step means: the command that carries it out inside, and how it changes what the next step
 * finds. Scripts are for any /bin/sh, as images have it.
 */
#ifndef E2B_CORE_BUILD_STEPS_H
#define E2B_CORE_BUILD_STEPS_H

#include "backend/core/build_spec.h"
#include "backend/core/kept.h"

enum { STEP_MAX_ARGV = 16 };

struct step_command {
    const char *user, *cwd;
    const char *argv[STEP_MAX_ARGV];
    char *owned[2]; /* of argv */
};

void step_command_free(struct step_command *command);
/* Does anything have to run for it? */
bool step_runs(const struct build_step *step);
bool step_prepare(const struct build_step *step, const struct build_state *state, bool is_gzip,
                  struct step_command *command, struct error *err);
/* Where a COPY puts its files, up to the user's home; free()d by the caller. */
char *step_destination(const struct build_step *step, const struct build_state *state);
/* It is done; `last` is the last line that it wrote. */
bool step_apply(const struct build_step *step, struct build_state *state, const char *last,
                struct error *err);
/* A command line as RUN has it. */
bool step_shell(const char *line, const struct build_state *state, struct step_command *command,
                struct error *err);
void step_finalize(const char *template_id, const char *build_id, struct step_command *command);
/* "COPY --from=stage a b": for the log; `from` NULL: no other stage. */
char *step_describe(const struct build_step *step, const char *from);
bool step_key(const char *previous, const struct build_step *step, char key[static KEPT_KEY],
              struct error *err);

#endif
