/* SPDX-License-Identifier: Apache-2.0
 *
 * What a build would send, for people and for programs.
 */
#ifndef E2B_CLI_TEMPLATE_DRY_RUN_H
#define E2B_CLI_TEMPLATE_DRY_RUN_H

#include "cli/template/project.h"

/* The files are hashed already. Returns the exit status. */
int dry_run(const struct invocation *in, const struct project *project);

#endif
