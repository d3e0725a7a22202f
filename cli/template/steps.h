/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of a Dockerfile with the files of the folder in mind: patterns, and archives of ADD.
 */
#ifndef E2B_CLI_TEMPLATE_STEPS_H
#define E2B_CLI_TEMPLATE_STEPS_H

#include "cli/template/project.h"

bool steps_make(struct project *project, struct error *err);
/* All that is sent to start the build; NULL commands are left out. */
json_t *steps_body(const struct project *project, const char *start, const char *ready, bool force);

#endif
