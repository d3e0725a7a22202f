/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of process.Process share.
 */
#ifndef E2B_ENVD_PROCESS_H
#define E2B_ENVD_PROCESS_H

#include "backend/core/process.h"
#include "backend/envd/connect.h"

/* {"pid":N} or {"tag":"x"}; NULL and the call failed otherwise. An ended process that is still
 * remembered counts only unless it must be alive. */
struct process *envd_select_process(struct connect_call *call, const json_t *selector, bool alive);
/* {"size":{"cols":N,"rows":N}}; leaves alone what is not there. */
void envd_read_size(const json_t *pty, uint16_t *cols, uint16_t *rows);

void envd_run_start(struct connect_call *call);
void envd_run_connect(struct connect_call *call);

#endif
