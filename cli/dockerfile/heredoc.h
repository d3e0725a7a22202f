/* SPDX-License-Identifier: Apache-2.0
 *
 * Heredocs of RUN, COPY and ADD: "<<EOF", "<<-EOF", "<<'EOF'", with a file descriptor in front.
 */
#ifndef E2B_CLI_DOCKERFILE_HEREDOC_H
#define E2B_CLI_DOCKERFILE_HEREDOC_H

#include "cli/dockerfile/source.h"

/* Takes the texts that the logical line asks for from physical line *at on. */
bool heredoc_take(const struct source *source, struct source_line *line, size_t *at,
                  struct error *err);

#endif
